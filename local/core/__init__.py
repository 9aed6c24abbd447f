"""What all services of the local AWS stand on: its clock, its gate, its faults."""

"""What all services of the local AWS stand on: its clock, its gate, its faults.

What they ask of the world is `aws.Aws`; nothing in here knows a service.
"""

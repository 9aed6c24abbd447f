"""What runs the exports: AWS Data Pipeline driving EMR."""

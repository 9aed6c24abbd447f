"""What a cluster's steps run."""

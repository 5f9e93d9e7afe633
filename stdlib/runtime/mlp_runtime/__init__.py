"""What generated steps call at run time."""

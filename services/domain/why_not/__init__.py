"""What would have had to be true for a record to be in the place that a person expects it in."""

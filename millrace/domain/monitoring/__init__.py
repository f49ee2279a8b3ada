"""What a model in production is asked and answers: measured, and judged."""

"""What happens, in order. Prefect."""

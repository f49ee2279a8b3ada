"""One unit of work, safe to retry: a step with a name and retries."""

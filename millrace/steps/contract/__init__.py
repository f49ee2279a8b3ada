"""The contract of a model: proposed by its accepted data, compared, and kept under review."""

"""The data plane: what a prediction service needs, and nothing of the control plane."""

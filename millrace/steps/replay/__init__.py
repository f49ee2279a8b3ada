"""History on a simulated clock: what arrived and was asked, what a policy did about it, and at which loss."""

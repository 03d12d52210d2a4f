"""Other desks that are attached: told what happens, and heard."""

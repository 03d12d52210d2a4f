"""The commands of ``baoke``; each module adds itself to the parser and runs."""

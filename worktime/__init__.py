"""Working time of an insurer in China: calendar, opening hours, deadlines.

In: two YAML files and UTC-aware moments. Out: UTC-aware moments. Only the standard
library and PyYAML; every process may import it.
"""

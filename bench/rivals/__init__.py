"""The same windowed sums as a competent user of each library would write them, from flat rows and one list of declarations.

Each module imports its library and the standard library alone: it runs in an environment that this project is not in.
"""

"""The dashboard: a static site from the store of runs alone.

``outlook`` and ``charts`` say what is shown, ``pages`` make text of it, and none of them does I/O or reads a
clock; ``build`` reads the store and writes the site.
"""

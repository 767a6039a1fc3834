"""The bridge between the Noodle 2 controller and a Ray cluster.

The controller decides, the bridge places, a slot relays, a runner carries out: `docs/bridge-protocol.md` is the
contract between them. Nothing in this package knows what a study is, looks into a file, or decides what is tried.
"""

__version__ = "0.1.0"

"""The canonical layout of a program."""

from netc.dsl.printer import print_expr

__all__ = ["print_expr"]

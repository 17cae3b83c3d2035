"""The ir and its calculus: expressions, primitives, laws, derivatives, and the interpreter that is the oracle."""

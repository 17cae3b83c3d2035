"""The tree of what was written: one node a construct, nothing resolved.

    program    = statement*
    statement  = Network | Block | Layer | Activation | LearntActivation | Clip | Loss | Attack | Objective | Data | Augment
               | Init | Optimizer | Search | Schedule | Train | Phase | Ensemble | Sweep | Finder | Monitor
               | Expect | Points | Use
    expr       = Number | Percent | Text | Name | Shape | Unary | Binary | Compare | Logic | Not
               | Choose | Call | Index | Member | Gradient | InputGradient | Absolute | Tuple | Set | Range | Of | Among
               | Drawn | Counted | Gain | Over | Architecture
    action     = Equation | For | Repeat | Until | If | End           (the lines of an update rule)
    line       = Learn | Formula | Draws                              (those of a layer)

Names are canonical here (`θ` is `theta`, `η` is `eta`, `β1` is `beta1`), so both spellings are the same
program. Every node carries a `span`, which takes no part in equality.
"""

from netc.dsl.ast_expressions import *
from netc.dsl.ast_lines import *
from netc.dsl.ast_statements import *

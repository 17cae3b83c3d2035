"""The syntax of netc: `netc.lark`. Knows nothing of netc."""

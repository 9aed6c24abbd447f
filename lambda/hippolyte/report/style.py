"""The style sheet of the pages: light and dark by the reader's own setting, cards on a phone.

Nothing in a picture is scaled, so its text is as high on a phone as on a desk; what is wider than
the window scrolls in its own box.
"""

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--panel:#f4f6f8;--text:#1b1f24;--muted:#566069;
--line:#d9dee3;--band:#e3e8ed;--ok:#2a7553;--bad:#b83226;--late:#985400;--quiet:#717c87;
--earlier:#c0645a;--raise:#6f42c1;--link:#0b5cad;--on:#fff}
@media screen and (prefers-color-scheme:dark){:root{--bg:#14171a;--panel:#1d2125;--text:#e6e9ec;
--muted:#a3adb7;--line:#343a41;--band:#2b3138;--ok:#56b68d;--bad:#f27d6e;--late:#e8a23d;
--quiet:#86919c;--earlier:#b4645b;--raise:#b392f0;--link:#7cb7ff;--on:#14171a}}
*{box-sizing:border-box}[hidden]{display:none!important}
body{margin:0 auto;padding:24px 24px 48px;max-width:1176px;background:var(--bg);
color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
html:not(:has(#end)) body::before{content:"This page is cut off: a part of it is missing.";
display:block;margin:0 0 16px;padding:8px 14px;border-radius:6px;font-weight:600;color:var(--on);
background:var(--bad)}
a[href]{color:var(--link)}a:focus-visible,button:focus-visible,summary:focus-visible,
input:focus-visible,.chart:focus-visible{outline:2px solid var(--link);outline-offset:2px}
h1{font-size:24px;line-height:1.25;margin:0 0 4px}h2{font-size:17px;margin:28px 0 8px}
p{margin:4px 0;overflow-wrap:anywhere}ul{margin:4px 0;padding-left:20px}
li,summary{overflow-wrap:anywhere}li:has(>details){list-style:none}.muted{color:var(--muted)}
code{font:12px ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.state{display:inline-block;font-size:13px;font-weight:600;padding:2px 10px;border-radius:10px;
color:var(--on);background:var(--ok);vertical-align:4px;margin-left:10px}
.state.bad{background:var(--bad)}
.lead{font-size:18px;margin:10px 0 0}
.tiles{display:flex;flex-wrap:wrap;gap:8px;
margin:14px 0 10px;padding:0}
.tiles div{flex:1 1 auto;min-width:92px;max-width:100%;background:var(--panel);
border-radius:6px;padding:6px 12px;color:var(--muted);font-size:13px;line-height:1.35}
.tiles b{display:block;font-size:19px;color:var(--text);
white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.tiles small{font-size:12px}.tiles .zero b{font-weight:400;color:var(--muted)}
.tiles .wrong b{color:var(--bad)}
nav{margin:4px 0 12px;font-size:14px;overflow-wrap:anywhere}.what{unicode-bidi:isolate}
.do{font-size:13px;color:var(--muted)}
.chart{overflow:auto;max-height:min(70vh,560px);border:1px solid var(--line);border-radius:6px;
background:var(--bg)}
.plan{display:grid;grid-template-columns:auto 1fr;width:max-content}
.plan svg{display:block;background:var(--bg)}
.plan .hours{position:sticky;top:0;z-index:2}.plan .names{position:sticky;left:0;z-index:1;
border-right:1px solid var(--line)}
.plan .zone{position:sticky;top:0;left:0;z-index:3;border-right:1px solid var(--line)}
.plan text{fill:var(--text);font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.plan .axis{fill:var(--muted)}.plan .strong{fill:var(--text)}.plan a text{fill:var(--link)}
.plan .batch{font-weight:600}.plan .grid{stroke:var(--line);stroke-width:1}
.plan .deadline{stroke:var(--text);stroke-width:1.5;stroke-dasharray:5 3}
.plan .after{fill:var(--bad);opacity:.09}
.plan .host{fill:var(--band)}.plan .host.wrong{stroke:var(--bad)}
.plan .raise,i.raise{fill:var(--raise);background:var(--raise)}.plan .raise.left{fill:var(--bad)}
.bar{fill:var(--quiet)}
.bar.backed_up,.bar.planned{fill:var(--ok)}.bar.failed{fill:var(--bad)}
.bar.timed_out,.bar.late{fill:var(--late)}.bar.earlier{fill:var(--earlier)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:6px 0;font-size:13px;color:var(--muted)}
.legend i{display:inline-block;width:18px;height:9px;margin-right:5px}
.legend i.raise{height:3px;vertical-align:3px}
i.backed_up,i.planned{background:var(--ok)}i.late,i.timed_out{background:var(--late)}
i.failed{background:var(--bad)}i.vanished{background:var(--quiet)}
i.earlier{background:var(--earlier)}i.host{background:var(--band)}
details{margin:6px 0}summary{cursor:pointer}summary h2{display:inline;margin:0}
.fold{border-top:1px solid var(--line);margin:0}.fold>summary{padding:9px 0}
.fold>summary::marker{color:var(--muted)}
.attention{border-left:4px solid var(--bad);padding:2px 0 2px 16px}
.attention>ul{list-style:none;padding:0}.attention>ul>li{margin:4px 0}
.group{margin:6px 0 0}.group>summary b{color:var(--bad)}.group>ul{margin:6px 0 10px}
.group li{margin:3px 0}
#tools{display:flex;flex-wrap:wrap;gap:6px 10px;align-items:center;margin:28px 0 4px}
#tools:empty{display:none}
#tools input{font-family:inherit;font-size:16px;padding:5px 9px;min-width:0;flex:0 1 320px;
color:inherit;background:var(--panel);border:1px solid var(--quiet);border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left}thead th{font-weight:600;color:var(--muted);
border-bottom:1px solid var(--line)}
th,td{padding:4px 12px 4px 0;vertical-align:top;overflow-wrap:anywhere}
tbody th,td{border-bottom:1px solid var(--line)}
tbody th{font-weight:600;min-width:150px}th .muted{font-weight:400}
thead th{overflow-wrap:normal}th.n{text-align:right}
thead button{all:unset;cursor:pointer;text-decoration:underline dotted}
thead [aria-sort=ascending] button::after{content:" \\25B2"}
thead [aria-sort=descending] button::after{content:" \\25BC"}
thead button:focus-visible{outline:2px solid var(--link)}
@media(max-width:700px){
body{padding:16px 16px 40px}h1{font-size:21px}.lead{font-size:17px}
.state{margin-left:0}h1 .state{vertical-align:2px}
.tiles{gap:6px}.tiles div{min-width:80px;padding:5px 8px;font-size:12px}.tiles b{font-size:16px}
.plan .names,.plan .zone{width:132px}.chart{max-height:min(60vh,380px)}.legend{gap:2px 12px}
.legend::before{content:"The chart scrolls sideways.";flex-basis:100%}
#tools input{flex:1 1 200px}
.rows,.rows tbody,.rows tr{display:block}.rows thead{display:none}
.sorts thead{display:block!important}
.sorts thead tr{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;border:0}
.sorts thead th{padding:4px 0;border:0}
.sorts thead tr::before{content:"Sort by";color:var(--muted);padding:4px 0}
.rows tr{border-bottom:1px solid var(--line);padding:8px 0}
.rows th,.rows td{display:inline-block;border:0;padding:0 14px 0 0;text-align:left}
.rows tbody th{display:block;min-width:0}.rows td:empty{display:none}
.rows td::before{color:var(--muted)}
}
/* what a finger hits is 44 pixels high and wide; the chart's links are those of the list below */
@media(max-width:700px),(pointer:coarse){
summary,a[href],thead button,#tools input{min-width:44px;min-height:44px;box-sizing:border-box}
summary{padding:11px 0}a[href],thead button{display:inline-block;padding:11px 0}
.good th>a{display:block}
.plan a{pointer-events:none}.plan a text{fill:var(--text)}
}
@page{size:landscape}
@media print{body{padding:0;max-width:none}.chart{max-height:none;overflow:visible;border:0}
.plan{zoom:.88}.plan svg{position:static!important}#tools{display:none}a[href]{color:inherit}
.state,i,.plan,.nights,.attention{print-color-adjust:exact}li,tr{break-inside:avoid}
h2,summary{break-after:avoid}}
"""

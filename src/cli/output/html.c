// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include "base/place.h"
#include "output/html.h"

/*
 * Colours. --s0.. are for series. Their contrast against the background is at least 4.5:1, and
 * dashes tell the series apart, too. --h0.. are for heat maps: ten equal steps of lightness in
 * OKLCH (L 0.92 to 0.30 in the light theme, 0.36 to 0.95 in the dark theme), while the hue goes
 * from yellow to violet. So a larger value is always further from the background.
 */
static const char style[] =
	":root{color-scheme:light dark;"
	"--bg:#fff;--card:#fff;--fg:#1b1f24;--dim:#59636e;--line:#d5dae0;"
	"--grid:#e7eaee;--warn:#fff3d6;--warnfg:#5f4300;--bad:#b3261e;--good:#1a6e3c;"
	"--s0:#0b5cad;--s1:#bf3f0c;--s2:#0d7a5f;--s3:#9c3587;--s4:#7d5b00;--s5:#4c5560;--over:#111;"
	"--h0:#eee99a;--h1:#bcdb8e;--h2:#84cc8f;--h3:#40ba97;--h4:#01a29e;--h5:#05889c;"
	"--h6:#056e99;--h7:#195098;--h8:#333282;--h9:#3a1463}\n"
	"@media screen and (prefers-color-scheme:dark){:root{--bg:#0f1318;--card:#151a21;"
	"--fg:#e4e8ed;"
	"--dim:#9aa5b1;--line:#343c46;--grid:#252c35;--warn:#3a2e0e;--warnfg:#ffdf94;--bad:#ff8f85;"
	"--good:#6fd598;--s0:#70b8ff;--s1:#ff9a66;--s2:#52d3a8;--s3:#f08fd4;--s4:#e2c14f;"
	"--s5:#b4bdc8;"
	"--over:#fff;--h0:#482971;--h1:#41448f;--h2:#2d60a6;--h3:#067dae;--h4:#0197ae;--h5:#09b1ad;"
	"--h6:#3bcaa2;--h7:#82dc91;--h8:#c1ea83;--h9:#fcf47e}}\n"
	"*{box-sizing:border-box}"
	"html{-webkit-text-size-adjust:100%}"
	"body{margin:0 auto;padding:1.5rem 1.25rem 3rem;max-width:72rem;background:var(--bg);"
	"color:var(--fg);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',"
	"sans-serif;overflow-wrap:anywhere}"
	"h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem}"
	"h2{font-size:1.2rem;margin:2.25rem 0 .75rem;padding-bottom:.3rem;"
	"border-bottom:1px solid var(--line)}"
	"h3{font-size:1.02rem;margin:0 0 .5rem}"
	"p{margin:.5rem 0}a{color:var(--s0)}"
	"code,kbd{font:.92em ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}"
	".lead,.note,.dim{color:var(--dim)}.note{font-size:.82rem;line-height:1.4}"
	".warning{background:var(--warn);color:var(--warnfg);border-left:4px solid currentColor;"
	"padding:.6rem .8rem;border-radius:4px}"
	".worse{color:var(--bad);font-weight:600}.better{color:var(--good);font-weight:600}"
	".same,.unsure{color:var(--dim)}\n"
	".tiles{list-style:none;margin:1.25rem 0;padding:0;display:grid;gap:.6rem;"
	"grid-template-columns:repeat(auto-fit,minmax(7.4rem,1fr))}"
	".tiles li{background:var(--card);border:1px solid var(--line);border-radius:8px;"
	"padding:.55rem .75rem}"
	".tiles b{display:block;font-size:1.35rem;line-height:1.25;"
	"font-variant-numeric:tabular-nums}"
	".tiles span{color:var(--dim);font-size:.82rem}"
	".facts{display:grid;grid-template-columns:max-content minmax(0,1fr);"
	"gap:.15rem 1rem;margin:.75rem 0}"
	".facts dt{color:var(--dim)}.facts dd{margin:0}"
	".card{background:var(--card);border:1px solid var(--line);border-radius:8px;"
	"padding:1rem 1rem .75rem;margin:1rem 0}"
	".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));"
	"gap:0 1.5rem}.pair>*{min-width:0}"
	".scroll{overflow-x:auto;margin:.5rem 0 1rem}"
	"table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums;"
	"width:100%}"
	"caption{text-align:left;color:var(--dim);padding-bottom:.25rem}"
	"th,td{text-align:left;padding:.22rem .6rem .22rem 0;white-space:nowrap;"
	"border-bottom:1px solid var(--grid)}"
	"th{color:var(--dim);font-weight:600;font-size:.76rem;letter-spacing:.02em}"
	".n{text-align:right}.n+:not(.n){padding-left:.8rem}"
	"details{margin:.5rem 0}summary{cursor:pointer;color:var(--s0)}\n"
	".plot{margin:.75rem 0 1.25rem;break-inside:avoid}"
	".plot figcaption{font-weight:600;font-size:.93rem;line-height:1.35}"
	".plot .ylabel,.plot .xlabel{color:var(--dim);font-size:.78rem}"
	".plot .xlabel{text-align:right}"
	".frame{display:grid;grid-template-columns:3.6rem minmax(0,1fr);padding-right:1.2rem;"
	"margin-top:.35rem}"
	".area{display:block;width:100%;height:15rem;border-left:1px solid var(--line);"
	"border-bottom:1px solid var(--line);overflow:hidden}"
	".tall .area{height:18rem}"
	".ys{position:relative}.xs{grid-column:2;position:relative;height:1.35rem}"
	".ys span,.xs span{position:absolute;font-size:.74rem;line-height:1;color:var(--dim);"
	"font-variant-numeric:tabular-nums;white-space:nowrap}"
	".ys span{right:.4rem;transform:translateY(50%)}"
	".xs span{top:.35rem;transform:translateX(-50%)}"
	".legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1rem;margin:.2rem 0;"
	"padding:0;font-size:.8rem}"
	".legend li{display:flex;flex-wrap:wrap;align-items:center;gap:0 .4rem}"
	".legend svg{width:1.7rem;height:.8rem;flex:none}"
	".legend .ramp{width:9rem;height:.8rem}"
	".grid{stroke:var(--grid);stroke-width:1;fill:none;vector-effect:non-scaling-stroke}"
	".zero{stroke:var(--dim);stroke-width:1;vector-effect:non-scaling-stroke}"
	".l{fill:none;stroke-width:1.8;stroke-linejoin:round;vector-effect:non-scaling-stroke}"
	".halo{fill:none;stroke:var(--bg);stroke-width:4.5;stroke-linejoin:round;"
	"stroke-opacity:.75;vector-effect:non-scaling-stroke}"
	".over{stroke:var(--over)}.dot{stroke-width:9;stroke-linecap:round}"
	".d1{stroke-dasharray:7 3}.d2{stroke-dasharray:2 3}.d3{stroke-dasharray:9 3 2 3}"
	".band{stroke:none;fill-opacity:.2}"
	".s0{stroke:var(--s0);fill:var(--s0)}.s1{stroke:var(--s1);fill:var(--s1)}"
	".s2{stroke:var(--s2);fill:var(--s2)}.s3{stroke:var(--s3);fill:var(--s3)}"
	".s4{stroke:var(--s4);fill:var(--s4)}.s5{stroke:var(--s5);fill:var(--s5)}"
	".l.s0,.l.s1,.l.s2,.l.s3,.l.s4,.l.s5{fill:none}"
	"rect{stroke:none}.hint{fill:transparent}.hint:hover{fill:var(--fg);fill-opacity:.12}"
	".h0{fill:var(--h0)}.h1{fill:var(--h1)}.h2{fill:var(--h2)}.h3{fill:var(--h3)}"
	".h4{fill:var(--h4)}.h5{fill:var(--h5)}.h6{fill:var(--h6)}.h7{fill:var(--h7)}"
	".h8{fill:var(--h8)}.h9{fill:var(--h9)}"
	".cell{shape-rendering:crispEdges}"
	".strips{display:grid;grid-template-columns:max-content minmax(0,1fr) max-content;"
	"grid-auto-flow:row dense;gap:.3rem .6rem;align-items:center;font-size:.82rem;"
	"margin-top:.35rem}.strips .strip{display:contents}"
	".strips .name{grid-column:1;text-align:right;max-width:18rem}.strips .mark{grid-column:2}"
	".strips .value{grid-column:3;color:var(--dim);font-variant-numeric:tabular-nums}"
	".strips svg{display:block;width:100%;height:1.1rem}.strips .xs{grid-column:2}"
	"footer{margin-top:2.5rem;"
	"border-top:1px solid var(--line);color:var(--dim);font-size:.82rem}\n"
	"@media(max-width:40rem){.stack,.stack tbody,.stack caption{display:block}"
	".stack thead{display:none}.stack tr{display:grid;padding:.3rem 0;"
	"grid-template-columns:repeat(3,1fr);gap:0 .6rem;border-bottom:1px solid var(--line)}"
	".stack td{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .4rem;padding:0;"
	"border:0;white-space:normal}.stack td:first-child{grid-column:1/-1;font-weight:600}"
	".stack .n+:not(.n){padding-left:0}.stack .wide{grid-column:span 2}"
	".stack td:not(:first-child)::before{content:attr(data-t);color:var(--dim);"
	"font-size:.76rem}"
	"body{padding:1rem .75rem 2rem;font-size:14px}h1{font-size:1.3rem}"
	".area{height:12rem}.tall .area{height:14rem}.xs .odd{display:none}"
	".card{padding:.75rem .6rem .5rem}"
	".facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.4rem}"
	".strips{display:block;padding:0 .6rem}.strips .strip{display:flex;flex-wrap:wrap;"
	"justify-content:space-between;gap:.05rem .6rem}"
	".strips .name{text-align:left;max-width:none}"
	".strips .mark{flex-basis:100%;margin-bottom:.35rem}}\n"
	"@media print{body{max-width:none;padding:0;font-size:10pt}.area{height:11rem}"
	"*{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
	"h2,h3{break-after:avoid}.card{border:none;padding:0}tr,.tiles,.facts{break-inside:avoid}"
	".scroll{overflow:visible}table{font-size:7.5pt}th,td{padding-right:.35rem}}\n";

void html_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '&':
			fputs("&amp;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&#39;", f);
			break;
		default:
			/* HTML cannot contain the other control characters, not even escaped. */
			putc((unsigned char)*text < ' ' && *text != '\n' ? ' ' : *text, f);
		}
	}
}

void html_printf(FILE *f, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) >= 0)
		html_text(f, text);
	va_end(args);
	free(text);
}

void html_head(FILE *f, const char *title, const char *lead)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" PAGE_MARK
	      "\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; img-src data:\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n"
	      "<link rel=\"icon\" href=\"data:,\">\n<title>",
	      f);
	html_text(f, title);
	fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>", style);
	html_text(f, title);
	fputs("</h1>\n<p class=\"lead\">", f);
	html_text(f, lead);
	fputs("</p>\n</header>\n<main>\n", f);
}

void html_foot(FILE *f)
{
	fputs("</main>\n<footer><p>Made by vringtop " VRINGTOP_VERSION
	      ". This page holds all that it "
	      "shows and fetches nothing.</p></footer>\n</body>\n</html>\n",
	      f);
}

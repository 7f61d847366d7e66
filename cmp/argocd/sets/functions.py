"""The functions of a Go template that mean the same to Helm and to the ApplicationSet controller.

Both have Go's own and sprig's.  Left out, so that a set that uses one is an error, are those that

- the controller has not: `env`, `expandenv`, `getHostByName`, and Helm's own (`include`, `tpl`, `lookup`, …);
- answer differently in Helm: `fromYaml` (an error is a value there), `typeOf` (what the parameters are is no secret of
  Go's types there);
- answer differently each time: the date, random numbers, keys and certificates;
- change what they are given, which the other fields of a template would see: `set`, `merge`.
"""

from __future__ import annotations

_NAMES = """
    and call eq ge gt html index js le len lt ne not or print printf println slice urlquery

    abbrev abbrevboth camelcase cat contains hasPrefix hasSuffix indent initials kebabcase lower nindent nospace plural
    quote repeat replace snakecase squote substr swapcase title toString trim trimAll trimPrefix trimSuffix trimall
    trunc untitle upper wrap wrapWith

    add add1 add1f addf atoi biggest ceil div divf float64 floor int int64 max maxf min minf mod mul mulf round seq sub
    subf toDecimal until untilStep

    all any coalesce compact default empty fail mustCompact ternary kindIs kindOf

    append chunk concat first has initial join last list mustAppend mustChunk mustFirst mustHas mustInitial mustLast
    mustPrepend mustPush mustRest mustReverse mustSlice mustUniq mustWithout prepend push rest reverse sortAlpha split
    splitList splitn toStrings tuple uniq without

    dict dig get hasKey keys omit pick pluck values

    mustFromJson mustToJson mustToPrettyJson mustToRawJson toJson toPrettyJson toRawJson toYaml

    adler32sum b32dec b32enc b64dec b64enc sha1sum sha256sum sha512sum

    base clean dir ext isAbs osBase osClean osDir osExt osIsAbs urlJoin urlParse

    mustRegexFind mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit
    regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral regexSplit

    semver semverCompare
"""
FUNCTIONS = frozenset(_NAMES.split())

OF_MAPS = frozenset(("dig", "get", "hasKey", "keys", "omit", "pick", "pluck", "values"))  # no `map[string]string`

CALLS = {
    "normalize": 'include "cmp.normalize"',
    "fromJson": "mustFromJson",  # Helm has another of that name; this one refuses what the controller takes for null
}
"""What stands in place of a function in a template for Helm."""

HELPERS = r"""
{{- define "cmp.has" }}
{{- $at := first . }}
{{- range rest . }}
{{- if not (kindIs "map" $at) }}{{ fail (printf "there is no parameter %s" .) }}{{ end }}
{{- $map := $at }}
{{- if typeIs "map[string]string" $at }}{{ $map = $at | toJson | mustFromJson }}{{ end }}
{{- if not (hasKey $map .) }}{{ fail (printf "there is no parameter %s" .) }}{{ end }}
{{- $at = index $at . }}
{{- end }}
{{- end }}

{{- define "cmp.map" }}
{{- if not (kindIs "map" .) }}{{ fail "index of what is no map" }}{{ end }}
{{- end }}

{{- define "cmp.normalize" }}
{{- regexReplaceAll "[^-a-z0-9.]" (lower .) "-" | trunc 253 | trimAll "-." }}
{{- end }}

{{- define "cmp.slugify" }}
{{- $name := last . }}{{ $size := 50 }}{{ $smart := true }}
{{- if gt (len .) 1 }}{{ $size = first . }}{{ end }}
{{- if gt (len .) 2 }}{{ $smart = index . 1 }}{{ end }}
{{- if not (and (le (len .) 3) (kindIs "string" $name) (kindIs "int" $size) (kindIs "bool" $smart) (ge $size 0)) }}
{{- fail "slugify takes a length, true or false, and a text" }}
{{- end }}
{{- $slug := include "cmp.normalize" $name }}
{{- if not $smart }}{{ $slug = trunc $size $slug }}{{ end }}
{{- $slug = regexReplaceAll "-+" (replace "." "-" $slug) "-" | trimAll "-" }}
{{- if and $smart (gt $size 0) (gt (len $slug) $size) }}
{{- $head := trunc (int (add1 $size)) $slug }}
{{- $slug = ternary (regexReplaceAll "-[^-]*$" $head "") (trunc $size $slug) (contains "-" $head) }}
{{- end }}
{{- $slug }}
{{- end }}
"""
"""Templates that stand for functions of the controller: `normalize`, `slugify`, and a missing key that is an error.

Source: argoproj/argo-cd 3.2, applicationset/utils, and gosimple/slug 1.15 for what `SanitizeName` leaves to it.
"""

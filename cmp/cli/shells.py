"""The scripts that make bash, zsh and fish ask `cmp` for candidates; completion.py says in which form it answers.

Whatever fails there stays silent: the person is in the middle of a line.
"""

# bash replaces only what follows the last of COMP_WORDBREAKS, as `4.3` in `helm@4.3`: that is $2.  Bash 3.2 of macOS
# has no compopt.
BASH = r"""_PROGRAM_completion() {
    local kind value help
    COMPREPLY=()
    while IFS=$'\t' read -r kind value help; do
        case "$kind" in
            plain) COMPREPLY+=("$value") ;;
            part) COMPREPLY+=("$value"); compopt -o nospace 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            dir) compopt -o dirnames 2>/dev/null ;;
        esac
    done <<< "$(_CMP_COMPLETE=bash_complete _CMP_LINE="${COMP_LINE:0:$COMP_POINT}" _CMP_REPLACED="$2" "$1" 2>/dev/null)"
}
complete -F _PROGRAM_completion PROGRAM
"""

ZSH = r"""#compdef PROGRAM
_PROGRAM_completion() {
    local answer line kind value help prefix
    local -a plain described
    prefix="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX"
    answer="$(_CMP_COMPLETE=zsh_complete _CMP_LINE="$prefix" _CMP_REPLACED= "${(Q)words[1]}" 2>/dev/null)"
    for line in "${(@f)answer}"; do
        IFS=$'\t' read -r kind value help <<< "$line"
        case "$kind" in
            plain) if [[ -n "$help" ]]; then described+=("${value//:/\\:}:$help"); else plain+=("$value"); fi ;;
            part) compadd -S '' -- "$value" ;;
            file) [[ -n "$value" ]] && compset -P "${(b)value}"; _path_files ;;
            dir) [[ -n "$value" ]] && compset -P "${(b)value}"; _path_files -/ ;;
        esac
    done
    (( $#described )) && _describe PROGRAM described
    (( $#plain )) && compadd -a plain
}
if [[ "$zsh_eval_context[-1]" == loadautofunc ]]; then
    _PROGRAM_completion "$@"
else
    compdef _PROGRAM_completion PROGRAM
fi
"""

FISH = r"""function _PROGRAM_completion
    set -l program (commandline -opc)[1]
    command -q -- "$program"; or return
    set -l line (commandline -cp | string collect)
    for answer in (env _CMP_COMPLETE=fish_complete _CMP_LINE="$line" _CMP_REPLACED= $program 2>/dev/null)
        set -l parts (string split \t -- $answer)
        switch $parts[1]
            case plain part
                printf '%s\t%s\n' $parts[2] $parts[3]
            case file dir
                set -l typed (commandline -ct)
                set -l path (string sub -s (math 1 + (string length -- "$parts[2]")) -- "$typed")
                if test $parts[1] = dir
                    printf "$parts[2]%s\n" (__fish_complete_directories "$path" '')
                else
                    printf "$parts[2]%s\n" (__fish_complete_path "$path" '')
                end
        end
    end
end
complete --no-files --command PROGRAM --arguments '(_PROGRAM_completion)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}

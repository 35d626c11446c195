/**
 * Begins a session with a person's terminal: one that the machine has no entry for (xterm-ghostty, alacritty), or whose
 * entry cannot clear the screen, becomes a plain xterm, which every machine knows and every terminal understands.
 */
const KNOWN_TERMINAL = "infocmp 2>/dev/null | grep -q clear= || export TERM=xterm-256color";

/** Opens the tmux session in which training runs. */
export const ATTACH = `${KNOWN_TERMINAL}; tmux attach -t train`;

/** The shell of a login. */
export const LOGIN_SHELL = `${KNOWN_TERMINAL}; exec "\${SHELL:-bash}" -l`;

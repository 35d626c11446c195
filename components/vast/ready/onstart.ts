import { shellQuoted } from "../../remote/script.ts";

/** A file that is there once our part of onstart has run. */
export const SET_UP_MARK = "/root/.vast-training-set-up";

const KEYS = "/root/.ssh/authorized_keys";
/** Vast's launcher was seen to rewrite the file minutes after the start. */
const KEEP_TIMES = 60;
const KEEP_EVERY_SECONDS = 10;

/** Vast takes 4000 characters; keys that do not fit can be added over ssh later. */
const MOST = 3990;

/**
 * What a machine runs at each start: authorises our keys, keeps them there while Vast's launcher may still rewrite the
 * file, and leaves a mark. Running it again changes nothing. Holds public keys only.
 *
 * @param publicKeys as many as fit, the first ones; without their comments
 * @param fuse shell text that ends the machine when nobody comes; begun before the mark is left
 * @param more shell text to run after that, in a shell of its own
 */
export function onstartScript(publicKeys: readonly string[], { fuse = "", more = "" } = {}): string {
  const room = MOST - textWith("", fuse, more).length;
  const keys = publicKeys
    .map((key) => shellQuoted(key.trim().split(/\s+/).slice(0, 2).join(" ")))
    .reduce((line, key) => (line.length + key.length < room ? `${line} ${key}` : line));
  return textWith(keys, fuse, more);
}

function textWith(keys: string, fuse: string, more: string): string {
  const lines = [
    "#!/bin/sh",
    "keep_keys() {",
    `  mkdir -p /root/.ssh && chmod 700 /root/.ssh && touch ${KEYS}`,
    `  for key in ${keys}; do`,
    `    grep -qxF "$key" ${KEYS} || printf '\\n%s\\n' "$key" >> ${KEYS}`,
    "  done",
    `  chown -R root /root/.ssh && chmod 600 ${KEYS}`,
    "}",
    "keep_keys",
    ...(fuse === "" ? [] : ["(", fuse, ")"]),
    `touch ${SET_UP_MARK}`,
    `( i=0; while [ $i -lt ${KEEP_TIMES} ]; do sleep ${KEEP_EVERY_SECONDS}; keep_keys; i=$((i + 1)); done ) >/dev/null 2>&1 &`,
    ...(more === "" ? [] : ["(", more, ")"]),
  ];
  return `${lines.join("\n")}\n`;
}

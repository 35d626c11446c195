/** A text as it stands for itself in a stack config: in quotes where YAML would make something else of it. */
export function yamlText(text: string): string {
  const isPlain = /^[A-Za-z_](?:[\w./+@%-]*\w)?$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}

import { dirname, join, normalize } from "node:path";
import ts from "typescript";

/** A source file: its path in the project, and its text. */
export type Source = readonly [path: string, text: string];

export interface Rules {
  /** Rooms, the ground first. */
  readonly floors: readonly (readonly string[])[];
  /** Most files in a folder that begins so. */
  readonly most: Readonly<Record<string, number>>;
  /** The rooms that may import packages whose name begins so. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
}

/** Every module that a file names: by `import`, `export … from`, `import type`, `import()`, and `typeof import()`. */
export function namedIn([path, text]: Source): string[] {
  const named: string[] = [];
  const look = (node: ts.Node): void => {
    const name = specifierOf(node);
    if (name !== undefined && ts.isStringLiteralLike(name)) named.push(name.text);
    ts.forEachChild(node, look);
  };
  look(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return named;
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  const isImport = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isImport ? node.arguments[0] : undefined;
}

/** What breaks the rules, a line each. */
export function complaintsAbout(sources: readonly Source[], rules: Rules): string[] {
  const named = new Map(sources.map((source) => [source[0], namedIn(source)]));
  const arrows = [...named].flatMap(([from, names]) => {
    const files = names.filter((name) => name.startsWith("."));
    return files.map((name): Arrow => ({ from, to: normalize(join(dirname(from), name)) }));
  });
  return [
    ...homeless([...named.keys()], rules),
    ...crowded([...named.keys()], rules),
    ...rising(arrows, rules),
    ...circles(arrows),
    ...strangers(named, rules),
  ];
}

interface Arrow {
  readonly from: string;
  readonly to: string;
}

function homeless(paths: readonly string[], { floors }: Rules): string[] {
  return paths.filter((path) => !floors.flat().includes(dirname(path))).map((path) => `${path} is in no room`);
}

function crowded(paths: readonly string[], { most }: Rules): string[] {
  const rooms = Map.groupBy(paths, dirname);
  return [...rooms].flatMap(([room, files]) => {
    const limit = Object.entries(most).find(([folder]) => `${room}/`.startsWith(`${folder}/`))?.[1] ?? Infinity;
    return files.length > limit ? [`${room} has ${files.length} files, more than ${limit}`] : [];
  });
}

function rising(arrows: readonly Arrow[], { floors }: Rules): string[] {
  const floorOf = (path: string) => floors.findIndex((rooms) => rooms.includes(dirname(path)));
  return arrows
    .filter(({ from, to }) => dirname(from) !== dirname(to))
    .filter(({ from, to }) => floorOf(to) === -1 || floorOf(to) >= floorOf(from))
    .map(({ from, to }) => `${from} imports ${to}, which does not stand below it`);
}

/** Each circle of files once, by the first arrow that closes it. */
function circles(arrows: readonly Arrow[]): string[] {
  const next = Map.groupBy(arrows, ({ from }) => from);
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    const begin = way.indexOf(file);
    if (begin >= 0) found.push(`circle: ${[...way.slice(begin), file].join(" -> ")}`);
    if (begin >= 0 || done.has(file)) return;
    for (const { to } of next.get(file) ?? []) walk(to, [...way, file]);
    done.add(file);
  };
  for (const file of next.keys()) walk(file, []);
  return found;
}

function strangers(named: ReadonlyMap<string, readonly string[]>, { packages }: Rules): string[] {
  return Object.entries(packages).flatMap(([prefix, rooms]) =>
    [...named]
      .filter(([path, names]) => !rooms.includes(dirname(path)) && names.some((name) => name.startsWith(prefix)))
      .map(([path]) => `${path} imports ${prefix}, which only ${rooms.join(", ")} may`),
  );
}

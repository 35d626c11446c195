/** An error of a file system, in a sentence that names the path and what helps. */
export interface DiskError extends Error {
  readonly name: "DiskError";
  /** As in errno, such as ENOSPC. */
  readonly code: string;
}

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: "no room is left on its disk; make some",
  EDQUOT: "your quota on its disk is used up; make room",
  EROFS: "its disk is read-only; take another one",
  ENOENT: "it is not there",
  EACCES: "you may not read or write there",
  EPERM: "you may not read or write there",
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  EIO: "its disk fails",
  ESTALE: "its disk was mounted anew; log in again",
};

const NO_LINKS = "its disk has no hard links, and without them two processes cannot be kept apart; take another disk";

/** Is it the error of a disk that has no hard links, as some shared ones? */
export function lacksLinks(error: unknown): boolean {
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  return syscall === "link" && ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code);
}

/** Runs an action on a path. Throws DiskError for an error of the file system; any other error stays. */
export function onDisk<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw diskError(error, path) ?? error;
  }
}

/**
 * The error as a DiskError; undefined = it is no error of a file system. `path` is for errors that do not name theirs,
 * as on a full disk.
 */
export function diskError(error: unknown, path?: string): DiskError | undefined {
  if (isDiskError(error)) return error;
  const { code, syscall, path: known } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined) return undefined;
  if (/^(spawn|connect|bind|listen|getaddrinfo|kill)/.test(syscall)) return undefined;
  const place = path ?? known;
  const words = lacksLinks(error) ? NO_LINKS : WORDS[code];
  if (place === undefined && words === undefined) return undefined;
  const text = `${place ?? "a file"} cannot be used: ${words ?? error.message} (${code})`;
  return Object.assign(new Error(text, { cause: error }), { name: "DiskError" as const, code });
}

function isDiskError(error: unknown): error is DiskError {
  return error instanceof Error && error.name === "DiskError";
}

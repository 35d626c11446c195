import { progress, say, watchEngine } from "../pulumi/engine.ts";
import { isUnknown, lifecycle } from "../pulumi/lifecycle.ts";
import { throttled } from "../pulumi/throttle.ts";
import type { FoundImage } from "../registry/access.ts";
import type { ImageState, TrainingImageInputs } from "./build/state.ts";

/** The checked inputs; the question itself goes to create only. */
interface Checked extends ImageState {
  readonly asked?: TrainingImageInputs;
}

/** Tags that were reported: a replacement is checked twice, the second time without its old state. */
const said = new Set<string>();

/** The lifecycle behind TrainingImage. Every change is another image, so nothing is ever updated. */
export const provider = lifecycle({
  check: async (olds: Partial<ImageState>, news: TrainingImageInputs) => {
    if (news.imageBuild === "never") return { inputs: { ...pin(olds, news), tag: "", parts: {} } };
    if (isUnknown(news.commit)) return { inputs: { image: news.image, asked: news } };
    const { planImage } = await import("./build/build.ts");
    const { text, failures, ...state } = await planImage(olds, news);
    if (text !== undefined) await sayOnce(news.__urn, state.tag, text);
    const isKnown = state.pinned !== undefined;
    return { inputs: isKnown ? state : { ...state, asked: news }, failures };
  },

  diff: async (_id: string, olds: ImageState, news: Checked) => {
    const replaces = changes(olds, news);
    return { changes: replaces.length > 0, replaces };
  },

  create: async ({ asked, ...state }: Checked) => ({
    id: "image",
    outs: stateOf(asked === undefined ? state : await build(asked)),
  }),
});

/**
 * Another digest under a tag made of the contents is the same image. A commit that is not known yet changes nothing
 * that could be shown.
 */
export function changes(olds: ImageState, news: Partial<ImageState>): string[] {
  const keys = news.tag === "" ? (["image", "tag", "pinned"] as const) : (["image", "tag"] as const);
  return keys.filter((key) => news[key] !== undefined && olds[key] !== news[key]);
}

/** The pinned image while the config is the same; a tag that could not be looked up is looked up again. */
export function pin(
  olds: Partial<ImageState>,
  { image, found }: Pick<TrainingImageInputs, "image" | "found">,
): FoundImage & { readonly image: string } {
  const { pinned, compressedBytes = null, isPrivate = false } = olds;
  const isSame = olds.image === image && olds.tag === "" && pinned !== undefined;
  if (isSame && (pinned.includes("@") || found === null)) return { image, pinned, compressedBytes, isPrivate };
  return { image, ...(found ?? { pinned: image, compressedBytes: null, isPrivate: false }) };
}

async function build(asked: TrainingImageInputs): Promise<ImageState> {
  const { makeImage } = await import("./build/build.ts");
  const engine = watchEngine();
  try {
    return await makeImage(asked, {
      show: throttled((text) => progress(asked.__urn, text)),
      say: (text) => say(asked.__urn, text),
      engine,
    });
  } finally {
    engine.stop();
  }
}

async function sayOnce(urn: string, tag: string, text: string): Promise<void> {
  if (said.has(tag)) return;
  said.add(tag);
  await say(urn, text);
}

function stateOf({ image, tag, parts, pinned, compressedBytes, isPrivate }: ImageState): ImageState {
  return { image, tag, parts, pinned, compressedBytes, isPrivate } as ImageState;
}

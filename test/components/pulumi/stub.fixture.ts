/** A provider file for the tests of the stub: with only what it needs. */
export const provider = {
  create: async (inputs: object) => ({ id: "made", outs: inputs }),
  delete: async () => {
    throw new Error("not today");
  },
};

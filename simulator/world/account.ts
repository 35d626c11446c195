/** A public key of the account: new instances get all of them. */
export interface AccountKey {
  readonly id: number;
  publicKey: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** A further key that Vast knows: of this account, or of another one. */
export interface OtherKey {
  readonly key: string;
  readonly accountId: number;
}

/** The account whose key this simulator accepts. */
export interface Account {
  readonly id: number;
  readonly email: string;
  readonly apiKey: string;
  /** Dollars paid in; the credit is this minus the bill. */
  paidIn: number;
  /** The status that an unknown key gets: observed is 404, documented is 401. */
  unknownKeyStatus: 401 | 404;
  keys: AccountKey[];
  otherKeys: OtherKey[];
}

export function openAccount(apiKey: string, unknownKeyStatus: 401 | 404): Account {
  return {
    id: 200_417,
    email: "simulator@example.org",
    apiKey,
    paidIn: 100,
    unknownKeyStatus,
    keys: [],
    otherKeys: [],
  };
}

/** Numbers of ssh keys, the account's and the instances' alike. */
export class KeyIds {
  #last = 500_000;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

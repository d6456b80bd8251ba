import { curveKeyPair } from 'zeromq';

/** A new pair of CURVE keys, each 40 characters of Z85, made by libzmq. */
export function createCurveKeyPair(): { readonly publicKey: string; readonly secretKey: string } {
  return curveKeyPair();
}

import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';

/** Self-signed certificates as DER in base64, made once by OpenSSL. */
const DER = {
  /** `O=Example,OU=devices,OU=ovens,CN=press-7` with a DNS name, a URI, an e-mail address and two IP addresses. */
  honest:
    'MIIB/zCCAaWgAwIBAgIBBzAKBggqhkjOPQQDAjBGMRAwDgYDVQQKDAdFeGFtcGxlMRAwDgYDVQQLDAdkZXZpY2VzMQ4wDAYDVQQL' +
    'DAVvdmVuczEQMA4GA1UEAwwHcHJlc3MtNzAeFw0yNjExMjUwMDAwMjNaFw0zNjExMjIwMDAwMjNaMEYxEDAOBgNVBAoMB0V4YW1w' +
    'bGUxEDAOBgNVBAsMB2RldmljZXMxDjAMBgNVBAsMBW92ZW5zMRAwDgYDVQQDDAdwcmVzcy03MFkwEwYHKoZIzj0CAQYIKoZIzj0D' +
    'AQcDQgAEgPE+7jHCd6sNwP1/B4rPQ1J3Jqo7ZxopBU6D9okv5JpSiDf74ZyiDrAfVPEk2qHkuXGnQcMvB5SKm68sl3aopqOBgzCB' +
    'gDBfBgNVHREEWDBWgg9QcmVzcy03LkV4YW1wbGWGGHNwaWZmZTovL2V4YW1wbGUvcHJlc3MtN4ERcHJlc3NAZXhhbXBsZS5vcmeH' +
    'BAoAAAeHECABDbgAAAAAAAAAAAAAAAcwHQYDVR0OBBYEFDvpIIKUVHUmnQVDzVM+RUcbb7TRMAoGCCqGSM49BAMCA0gAMEUCIFut' +
    'pe0iHRPtj0EfvzAyTkJnwkHzp7EgzK1XMF3mzXTBAiEA/9R+4Lvahfo/Bcf8lz4zm68m0ygnfYSGMeKwfdFfY8U=',
  /** Names that would be several if they were split at their commas. */
  hostile:
    'MIICCjCCAbCgAwIBAgIBBzAKBggqhkjOPQQDAjAwMRgwFgYDVQQDDA9ndWVzdCxPVT1hZG1pbnMxFDASBgNVBAoMCyMgb25lXCt0' +
    'd28gMB4XDTI2MTEyNTAwMDAyM1oXDTM2MTEyMjAwMDAyM1owMDEYMBYGA1UEAwwPZ3Vlc3QsT1U9YWRtaW5zMRQwEgYDVQQKDAsj' +
    'IG9uZVwrdHdvIDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLKKxp14SryZhUsqKf9RCIGXbN0LHEjRp893u5IpzhWBjRdxLomA' +
    'A2CUOyQTLbJvfmmBuAwa8Q/uZHHyBYsUVPejgbowgbcwgZUGA1UdEQSBjTCBioIgZ3Vlc3QuZXhhbXBsZSwgRE5TOmFkbWluLmV4' +
    'YW1wbGWGGHg6YSIsIEROUzoiYWRtaW4uZXhhbXBsZaAkBgorBgEEAYI3FAIDoBYMFGEsIEROUzphZG1pbi5leGFtcGxlpCEwHzEd' +
    'MBsGA1UEAwwUeCwgRE5TOmFkbWluLmV4YW1wbGWIAyoDBDAdBgNVHQ4EFgQUF3cuJAUFJ46h5OiU6WUe5dkHO/UwCgYIKoZIzj0E' +
    'AwIDSAAwRQIgJBXckBEYMoIKleZzYf+YLjBQ87HFWsO6+7VvSJZ9mqUCIQCNyYBBrlVWnoaz7xxfS6/plE1xbLnmZPK9iBitSwgO' +
    'sw==',
  /** Two common names: `guest` and `admin`. */
  twofold:
    'MIIBJjCBzgIBBzAKBggqhkjOPQQDAjAgMQ4wDAYDVQQDDAVndWVzdDEOMAwGA1UEAwwFYWRtaW4wHhcNMjYxMTI1MDAwMDIzWhcN' +
    'MzYxMTIyMDAwMDIzWjAgMQ4wDAYDVQQDDAVndWVzdDEOMAwGA1UEAwwFYWRtaW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATR' +
    '6Pu59oso86DdmvU81kOSwqtCbEXq4wnnV3Ngzsd1AgyERaCE+bIIKfptUjpeYzIPl3LSLIcYdRKc9XSgnqVOMAoGCCqGSM49BAMC' +
    'A0cAMEQCIGrlF2cxY88KRlNV8Sh+6XG16emundJ2w/zgA6VtgnjFAiAIHKVUdseAHv1BmhcIAn8Sb3nptxUCjWgICAG3oK4PDw==',
};

/** A certificate in the form that `tlsSocket.getPeerCertificate()` gives. */
export function legacyCertificate(name: keyof typeof DER): PeerCertificate {
  return new X509Certificate(Buffer.from(DER[name], 'base64')).toLegacyObject() as PeerCertificate;
}

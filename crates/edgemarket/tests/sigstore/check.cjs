// Verifies bundles by Sigstore's own library with the keys of a PEM file, and says of each, one a line, `verified` with
// the predicate type and the subjects, or `refused` with the reason. Usage: node check.cjs KEYS BUNDLE...
const { createHash, createPublicKey } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { bundleFromJSON } = require("@sigstore/bundle");
const { TrustedRoot } = require("@sigstore/protobuf-specs");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

const [keysFile, ...bundles] = process.argv.slice(2);
const keys = {};
for (const pem of readFileSync(keysFile, "utf8").match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g)) {
  const rawBytes = createPublicKey(pem).export({ type: "spki", format: "der" });
  keys[createHash("sha256").update(rawBytes).digest("base64")] = { rawBytes };
}
// No certificates and no transparency log: the keys are all that is trusted.
const material = toTrustMaterial(TrustedRoot.fromJSON({}), keys);
const verifier = new Verifier(material, { ctlogThreshold: 0, tlogThreshold: 0, tsaThreshold: 0 });
for (const file of bundles) {
  try {
    const bundle = bundleFromJSON(JSON.parse(readFileSync(file, "utf8")));
    verifier.verify(toSignedEntity(bundle));
    const statement = JSON.parse(bundle.content.dsseEnvelope.payload.toString("utf8"));
    const subjects = statement.subject.map((subject) => subject.digest.sha256);
    console.log(`verified ${statement.predicateType} ${subjects.join(",")}`);
  } catch (error) {
    console.log(`refused ${error.code ?? error.name}`);
  }
}

//! A delivery of a webhook: is it from the forge, and is it new?
//!
//! In: the raw bytes, what the forge sent beside them, and a secret. Invariant: nothing of the bytes is
//! interpreted before the signature holds; comparisons take the same time whatever differs.
//!
//! A signature covers neither the time nor the headers, so that a delivery can be sent again by whoever
//! saw it: what was taken in once is remembered by the hash of its bytes, and by the id that the forge
//! gave it; in this clone, and for others in the commit of what it changed.

use crate::commit::state_commit;
use crate::effects::{Files, Oid, Result, World};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// The largest delivery that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;
/// The shortest secret that nobody guesses, in bytes.
const MIN_SECRET: usize = 16;
/// Where deliveries are remembered.
const REMEMBERED: &str = "deliveries";
/// How many are, and how many commits are looked through.
const MOST: usize = 10_000;
/// What a commit says about the delivery that it is from.
const TRAILER: &str = "Orch-Delivery";

/// What proves that a delivery is the forge's.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'p> {
    /// `X-Hub-Signature-256` (`sha256=…`) or `X-Gitea-Signature` (bare): HMAC-SHA256 of the bytes.
    Signature(&'p str),
    /// `X-Gitlab-Token`: the secret itself.
    Token(&'p str),
}

/// Why a delivery is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// Nothing says where it is from.
    #[error("nothing says where the payload is from")]
    Unproved,
    /// There is no secret to check it with.
    #[error("the webhook's secret is not known")]
    NoSecret,
    /// It is larger than any issue.
    #[error("the payload is larger than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// The proof does not fit.
    #[error("the {0} does not fit the payload and the secret")]
    Forged(&'static str),
}

/// Checks a delivery; what speaks against the secret that holds.
///
/// # Errors
/// When it is not proved to be the forge's.
pub fn verify(
    payload: &[u8],
    proof: Proof<'_>,
    secret: &[u8],
) -> std::result::Result<Option<String>, Refused> {
    if payload.len() as u64 > MAX_BYTES {
        return Err(Refused::TooLarge);
    } else if secret.is_empty() {
        return Err(Refused::NoSecret);
    }
    match proof {
        Proof::Signature(text) => {
            let hex = text.trim();
            let tag = bytes(hex.strip_prefix("sha256=").unwrap_or(hex));
            let mac = keyed(secret, payload).ok_or(Refused::NoSecret)?;
            let tag = tag.ok_or(Refused::Forged("signature"))?;
            mac.verify_slice(&tag).map_err(|_| Refused::Forged("signature"))?;
        }
        Proof::Token(token) => {
            // Tags of equal length are compared, so that the time tells nothing of the secret.
            let mac = keyed(secret, token.trim().as_bytes()).ok_or(Refused::NoSecret)?;
            let own = keyed(secret, secret).ok_or(Refused::NoSecret)?.finalize().into_bytes();
            mac.verify(&own).map_err(|_| Refused::Forged("token"))?;
        }
    }
    Ok(weakness(secret))
}

/// What speaks against a secret that holds.
fn weakness(secret: &[u8]) -> Option<String> {
    let weak = secret.len() < MIN_SECRET;
    weak.then(|| format!("the webhook's secret has fewer than {MIN_SECRET} bytes: it may be guessed"))
}

fn keyed(secret: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(message);
    Some(mac)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

/// The names by which a delivery is remembered: the hash of its bytes, and that of the forge's id.
#[must_use]
pub fn names(payload: &[u8], id: Option<&str>) -> Vec<String> {
    let hash = |kind: &str, bytes: &[u8]| {
        let digest = Sha256::digest(bytes);
        format!("{kind}-{}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    let id = id.map(str::trim).filter(|id| !id.is_empty());
    std::iter::once(hash("payload", payload)).chain(id.map(|id| hash("id", id.as_bytes()))).collect()
}

/// Whether a delivery was taken in before.
///
/// # Errors
/// When the list cannot be read.
pub fn is_known(files: &dyn Files, names: &[String]) -> Result<bool> {
    let known = files.read(REMEMBERED)?.unwrap_or_default();
    let known = String::from_utf8_lossy(&known);
    Ok(known.lines().any(|line| names.iter().any(|name| name == line)))
}

/// Remembers a delivery, and forgets the oldest of many. The caller holds the lock `deliveries.lock`.
///
/// # Errors
/// When the list cannot be written.
pub fn remember(files: &dyn Files, names: &[String]) -> Result<()> {
    let known = files.read(REMEMBERED)?.unwrap_or_default();
    let known = String::from_utf8_lossy(&known);
    let mut lines: Vec<&str> = known.lines().collect();
    lines.extend(names.iter().map(String::as_str));
    let kept = lines.split_off(lines.len().saturating_sub(MOST));
    files.write(REMEMBERED, format!("{}\n", kept.join("\n")).as_bytes(), true)
}

/// The message of the commit of what a delivery changes, so that other clones know it.
#[must_use]
pub fn message(source: &str, names: &[String]) -> String {
    format!("{}\n\n{}", state_commit(&format!("ingest {source}")), trailers(names).join("\n"))
}

fn trailers(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("{TRAILER}: {name}")).collect()
}

/// Whether a delivery changed something in the newest history of a commit.
///
/// # Errors
/// When history cannot be read.
pub fn is_committed(world: World<'_>, tip: Oid, names: &[String]) -> Result<bool> {
    let trailers = trailers(names);
    let (mut found, mut seen) = (false, 0);
    world.git.walk(tip, &mut |commit| {
        seen += 1;
        found = commit.message.lines().any(|line| trailers.iter().any(|trailer| trailer == line));
        !found && seen < MOST
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &[u8] = b"It's a Secret to Everybody";
    /// The example of GitHub's documentation on validating deliveries.
    const KNOWN: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn a_signature_of_the_forge_holds_in_both_spellings() {
        assert_eq!(verify(b"Hello, World!", Proof::Signature(KNOWN), SECRET), Ok(None));
        assert_eq!(verify(b"Hello, World!", Proof::Signature(&KNOWN[7..]), SECRET), Ok(None));
        assert_eq!(verify(b"x", Proof::Token("It's a Secret to Everybody"), SECRET), Ok(None));
    }

    #[test]
    fn nothing_else_does() {
        let refused = Err(Refused::Forged("signature"));
        for signature in ["", "sha256=", &KNOWN[..70], &KNOWN.replace('7', "8"), "sha1=abc", "\u{e9}"] {
            assert_eq!(verify(b"Hello, World!", Proof::Signature(signature), SECRET), refused, "{signature}");
        }
        assert_eq!(verify(b"Hello, World?", Proof::Signature(KNOWN), SECRET), refused);
        assert_eq!(verify(b"", Proof::Token("It's a Secret"), SECRET), Err(Refused::Forged("token")));
        assert_eq!(verify(b"", Proof::Token(""), b""), Err(Refused::NoSecret));
    }

    #[test]
    fn a_short_secret_holds_and_is_told() {
        assert_eq!(verify(b"x", Proof::Token("short"), b"short"), Ok(weakness(b"short")));
        assert!(weakness(b"short").is_some());
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_seen(payload in prop::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let tag = keyed(SECRET, &payload).unwrap().finalize().into_bytes();
            let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(verify(&payload, Proof::Signature(&tag), SECRET), Ok(None));
            let mut other = payload;
            let at = at.index(other.len());
            other[at] ^= 1 << bit;
            prop_assert!(verify(&other, Proof::Signature(&tag), SECRET).is_err());
        }
    }
}

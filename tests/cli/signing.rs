//! Where git is told to sign commits, orch's are signed.

use crate::sandbox::{Sandbox, agent};
use crate::transcript;

fn project() -> Sandbox {
    let sandbox = Sandbox::with(&[agent("echo new >> src/code")]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox
}

/// Tells git to sign, by these settings.
fn sign(sandbox: &Sandbox, settings: &[(&str, &str)]) {
    for (key, value) in [("commit.gpgsign", "true")].iter().chain(settings) {
        sandbox.git(&["config", key, value]);
    }
}

/// A key of ssh's that git knows to be the person's; where ssh is there to make one.
fn ssh_key(sandbox: &Sandbox) -> Option<String> {
    let key = sandbox.signal("key").to_string_lossy().into_owned();
    if !sandbox.lend("ssh-keygen")
        || !sandbox.tried("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", &key])
    {
        return None;
    }
    let public = std::fs::read_to_string(sandbox.signal("key.pub")).expect("a public key");
    let signers = sandbox.signal("signers");
    std::fs::write(&signers, format!("person@example.com {public}")).expect("a file");
    sandbox.git(&["config", "gpg.ssh.allowedSignersFile", &signers.to_string_lossy()]);
    Some(key)
}

fn verified(sandbox: &Sandbox, revision: &str) -> bool {
    sandbox.git_tried(sandbox.repo(), &["verify-commit", revision]).code == 0
}

#[test]
fn git_accepts_the_ssh_signatures_of_all_that_lands() {
    let sandbox = project();
    let Some(key) = ssh_key(&sandbox) else { return };
    sign(&sandbox, &[("gpg.format", "ssh"), ("user.signingkey", &key)]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert!(verified(&sandbox, "HEAD"));
    assert_eq!(sandbox.git(&["log", "-1", "--format=%ae %ce %at %e"]).trim(), {
        let time = sandbox.git(&["log", "-1", "--format=%ct"]);
        format!("person@example.com person@example.com {}", time.trim())
    });
    assert_eq!(sandbox.orch(&["add", "More", "--id", "t-2"]).code, 0);
    assert!(verified(&sandbox, "HEAD") && verified(&sandbox, "HEAD~"));
    assert!(!verified(&sandbox, "HEAD~2"), "this one was before");
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
    sandbox.show_git(&["status", "--short"]);
}

#[test]
fn git_accepts_the_openpgp_signature_of_a_step() {
    let sandbox = project();
    let make = ["--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "person@example.com"];
    if !sandbox.lend("gpg") || !sandbox.tried("gpg", &[&make[..], &["default", "sign", "never"]].concat()) {
        return;
    }
    // Git finds the key by who commits.
    sandbox.git(&["config", "user.name", "person"]);
    sign(&sandbox, &[("user.signingkey", "person@example.com")]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert!(verified(&sandbox, "HEAD"));
}

/// Makes a certificate that gpgsm signs with and trusts; where gpgsm is there to do so.
fn certify(sandbox: &Sandbox) -> bool {
    let file = |name: &str, text: &str| std::fs::write(sandbox.signal(name), text).expect("a file");
    let path = |name: &str| sandbox.signal(name).to_string_lossy().into_owned();
    file(
        "wanted",
        "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nSerial: random\nName-DN: CN=A Person\n\
         Name-Email: person@example.com\nNot-After: 2044-01-01\n",
    );
    let (wanted, made) = (path("wanted"), path("made"));
    // Without a passphrase, so that nobody is asked for one.
    let without = ["--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0"];
    if !sandbox.lend("gpgsm")
        || !sandbox.tried("gpgsm", &[&without[..], &["--gen-key", "--output", &made, &wanted]].concat())
        || !sandbox.tried("gpgsm", &["--batch", "--import", &made])
    {
        return false;
    }
    let keys = sandbox.told("gpgsm", &["--with-colons", "--list-secret-keys"]).stdout;
    let print = keys.lines().find_map(|line| line.strip_prefix("fpr:")).expect("a fingerprint");
    let print = print.trim_matches(':').split(':').next().unwrap_or_default();
    file(".gnupg/trustlist.txt", &format!("{print} S relax\n"));
    file(".gnupg/gpgsm.conf", "disable-crl-checks\n");
    // It looks at what it trusts when it begins.
    !sandbox.lend("gpgconf") || sandbox.tried("gpgconf", &["--kill", "gpg-agent"])
}

#[test]
fn git_accepts_the_x509_signature_of_a_step() {
    let sandbox = project();
    if !certify(&sandbox) {
        eprintln!("not tried: there is no gpgsm that makes a certificate");
        return;
    }
    sign(&sandbox, &[("gpg.format", "x509"), ("user.signingkey", "person@example.com")]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    assert!(verified(&sandbox, "HEAD"));
    let signed = sandbox.git(&["cat-file", "commit", "HEAD"]);
    assert!(signed.contains("-----BEGIN SIGNED MESSAGE-----"), "{signed}");
    assert_eq!(sandbox.orch(&["fsck"]).code, 0);
}

#[test]
fn what_cannot_be_signed_does_not_land_and_is_kept() {
    let sandbox = project();
    sandbox.program("../refuse", "#!/bin/sh\necho 'no card in the reader' >&2\nexit 1\n");
    let program = sandbox.root().join("refuse").to_string_lossy().into_owned();
    let begin = sandbox.git(&["rev-parse", "HEAD"]);
    sign(&sandbox, &[("gpg.format", "ssh"), ("gpg.ssh.program", &program), ("user.signingkey", "/key")]);
    assert_eq!(sandbox.orch(&["step"]).code, 31);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), begin);
    sandbox.show_git(&["status", "--short"]);
    sandbox.show_git(&["for-each-ref", "--format=%(refname)", "refs/orch"]);
    sandbox.git(&["config", "commit.gpgsign", "false"]);
    assert_eq!(sandbox.orch(&["step"]).code, 0);
    transcript!(sandbox);
}

#[test]
fn a_file_of_the_tree_has_no_say_in_how_commits_are_signed() {
    let sandbox = Sandbox::with(&[agent(
        "echo new >> src/code; git config commit.gpgsign true; git config gpg.program \"$HOME/../evil\"",
    )]);
    sandbox.task("t-1", "Do it", &["--kind", "chore"]);
    sandbox.program("../evil", "#!/bin/sh\necho ran > \"$HOME/ran\"\nexit 1\n");
    assert_eq!(sandbox.quietly(&["step"]).code, 0);
    assert!(!sandbox.signal("ran").exists());
}

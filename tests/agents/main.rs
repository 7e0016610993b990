//! The real agent CLIs, run by orch against a model of the tests' own on a loopback port.
//!
//! `tests/agents/install/install.sh` installs them at pinned versions below `target/`. Without them every
//! test here says that it tested nothing; with `ORCH_NEED_AGENTS` set it fails instead.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[allow(dead_code, unused_imports, reason = "the scripts have words for more than what is said so far")]
mod model;
mod place;
mod providers;
mod direct;
mod work;
mod accounts;
mod heard;
mod context;
mod limits;
mod endings;
mod acp;
mod share;

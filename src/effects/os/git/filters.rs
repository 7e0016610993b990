//! What a file is in git, and what git's content is as a file: line ends, encodings and filters.
//!
//! What gix cannot do, or does otherwise than git (it knows few encodings, and writes UTF-16 as UTF-8), git
//! itself is asked to do, with the attributes of that work tree and the settings of the trusted repository.
//! Invariant: a file that git would not take in either is no error. It is kept as it lies there, or (where it
//! is too large) as a line that says so, and it is told: nobody's work ends because of one file.

use super::objects::HUGE;
use super::place::Place;
use super::worktree::full;
use super::{EffectError, Oid, Result, Trouble, or};
use crate::effects::{Git as _, MODE_FILE, MODE_PROGRAM, Mode};
use bstr::{BStr, BString, ByteSlice};
use gix::attrs::StateRef;
use gix::filter::plumbing::driver::apply::Delay;
use gix::filter::plumbing::pipeline::convert::ToWorktreeOutcome;
use gix::filter::plumbing::pipeline::convert::to_worktree::{Options, UnknownEncoding};
use std::fs::{self, Metadata};
use std::io::Read as _;

/// The largest file that is taken into memory, in bytes; of those above, git makes an exception as well
/// (`core.bigFileThreshold`).
const LARGEST: u64 = 512 << 20;
/// From which size on a file can be why there is no room left on the disk.
const LARGE: u64 = 1 << 20;
/// Why nothing is kept of a file that is larger than the largest.
const TOO_LARGE: &str = "is too large to be taken in";
/// Attributes that git itself is asked to follow when it comes to writing a file.
const GITS_OWN: [&str; 2] = ["working-tree-encoding", "ident"];

/// What a file is in git.
pub(super) struct Taken {
    pub(super) mode: Mode,
    pub(super) id: Oid,
    /// Why git would not take it in as it is.
    pub(super) unfit: Option<String>,
}

/// The filters of a work tree.
pub(super) struct Filters<'p> {
    place: &'p Place<'p>,
    pipeline: gix::filter::Pipeline<'p>,
    attributes: gix::AttributeStack<'p>,
    /// The filters of the configuration that take files in.
    drivers: Vec<BString>,
}

impl<'p> Filters<'p> {
    pub(super) fn of(place: &'p Place<'_>) -> Result<Self> {
        let source = gix::worktree::stack::state::attributes::Source::WorktreeThenIdMapping;
        let attributes = or("read attributes", place.repo.attributes_only(&place.index, source))?;
        let doing = "read filters";
        let pipeline = or(doing, gix::filter::Pipeline::new(&place.repo, attributes.clone()))?;
        let mut drivers = or(doing, gix::filter::Pipeline::options(&place.repo))?.drivers;
        let is_command = |command: &Option<BString>| command.as_ref().is_some_and(|text| !text.is_empty());
        drivers.retain(|driver| is_command(&driver.clean) || is_command(&driver.process));
        let drivers = drivers.into_iter().map(|driver| driver.name).collect();
        Ok(Self { place, pipeline, attributes, drivers })
    }

    /// Writes what a path of the work tree holds as an object; none where nothing is that git tracks.
    pub(super) fn take(&mut self, path: &BStr) -> Result<Option<Taken>> {
        let Ok(metadata) = fs::symlink_metadata(full(self.place, path)) else { return Ok(None) };
        let file = metadata.is_file();
        if file && metadata.len() > LARGEST && !self.has_driver(path)? {
            return self.leave_out(&metadata, TOO_LARGE).map(Some);
        }
        if file
            && metadata.len() >= HUGE as u64
            && let Ok(Ok(taken)) = self.take_by_git(path, &metadata)
        {
            return Ok(Some(taken));
        }
        let place = self.place;
        let pipeline = &mut self.pipeline;
        let found = place.git.complete(|| {
            or("hash a file of the work tree", pipeline.worktree_file_to_object(path, &place.index))
        });
        let found = match found {
            Err(error) if file => return self.take_otherwise(path, &metadata, error),
            found => found?,
        };
        Ok(found.map(|(id, kind, _)| Taken {
            mode: kind as Mode,
            id: place.git.note_written(id),
            unfit: None,
        }))
    }

    /// A file that gix could not take in: as git does, or as it is.
    fn take_otherwise(&self, path: &BStr, metadata: &Metadata, error: EffectError) -> Result<Option<Taken>> {
        match error.trouble {
            Trouble::Full if metadata.len() >= LARGE => {
                return self.leave_out(metadata, "does not fit on the disk of the repository").map(Some);
            }
            Trouble::Full | Trouble::Denied | Trouble::ReadOnly => return Err(error),
            Trouble::Foreign
            | Trouble::Missing
            | Trouble::Promised
            | Trouble::Unsupported
            | Trouble::Locked
            | Trouble::Identity
            | Trouble::Signing
            | Trouble::Unreachable
            | Trouble::Repository
            | Trouble::Other => {}
        }
        let said = match self.take_by_git(path, metadata)? {
            Ok(taken) => return Ok(Some(taken)),
            Err(said) => said,
        };
        if metadata.len() > LARGEST {
            return self.leave_out(metadata, TOO_LARGE).map(Some);
        }
        let why = said.split("; ").find_map(|line| line.strip_prefix("fatal: ")).unwrap_or(&said).to_owned();
        let full = full(self.place, path);
        let content = fs::read(&full).map_err(|error| EffectError::io("read", &full, &error))?;
        let id = self.place.git.write_blob(&content)?;
        Ok(Some(Taken { mode: mode_of(metadata), id, unfit: Some(why) }))
    }

    /// A file as git itself takes it in, which holds no copy of it in memory; what it says where it does not.
    fn take_by_git(&self, path: &BStr, metadata: &Metadata) -> Result<std::result::Result<Taken, String>> {
        let asked = self.ask_git(&["hash-object", "-w", "--", &path.to_str_lossy()])?;
        let Some(id) = Oid::from_hex(&asked.stdout_line()).filter(|_| asked.ok).map(super::id) else {
            return Ok(Err(asked.stderr_line()));
        };
        self.place.git.note_if_huge(id);
        let id = self.place.git.note_written(id);
        Ok(Ok(Taken { mode: mode_of(metadata), id, unfit: None }))
    }

    /// A line in place of a file of which nothing can be kept.
    fn leave_out(&self, metadata: &Metadata, why: &str) -> Result<Taken> {
        let why = format!("{why} ({} bytes), and is left out of what is kept", metadata.len());
        let id = self.place.git.write_blob(format!("orch: this file {why}\n").as_bytes())?;
        Ok(Taken { mode: mode_of(metadata), id, unfit: Some(format!("it {why}")) })
    }

    /// What a file is to hold on the disk.
    pub(super) fn content(&mut self, path: &BStr, mode: Mode, blob: Oid) -> Result<Vec<u8>> {
        let content = self.place.git.read_blob(blob)?;
        if !matches!(mode, MODE_FILE | MODE_PROGRAM) {
            return Ok(content);
        }
        let options = Options { can_delay: Delay::Forbid, unknown_encoding: UnknownEncoding::Fail };
        let doing = "apply the filters of the repository";
        let converted = match self.pipeline.convert_to_worktree(&content, path, options) {
            Ok(ToWorktreeOutcome::Unchanged(_)) => return Ok(content),
            Ok(mut changed) => {
                let mut out = Vec::with_capacity(content.len());
                changed.read_to_end(&mut out).map_err(|error| super::failed(doing, &error))?;
                Some(out)
            }
            Err(_) => None,
        };
        if let Some(converted) = converted
            && !self.is_set(path, &GITS_OWN)?
        {
            return Ok(converted);
        }
        let asked = self.ask_git(&[
            "cat-file",
            "--filters",
            &format!("--path={}", path.to_str_lossy()),
            &blob.to_string(),
        ])?;
        if asked.ok {
            Ok(asked.stdout)
        } else {
            Err(super::failed(doing, &format!("`{path}`: {}", asked.stderr_line())))
        }
    }

    /// Whether a path has one of these attributes.
    fn is_set(&mut self, path: &BStr, names: &[&str]) -> Result<bool> {
        any(&mut self.attributes, path, names, |state| state.is_set() || matches!(state, StateRef::Value(_)))
    }

    /// Whether a filter of the configuration takes a path in. Which one is for the agent's files to say, what there
    /// is for the configuration alone.
    fn has_driver(&mut self, path: &BStr) -> Result<bool> {
        let known = |name: &BStr| self.drivers.iter().any(|driver| driver == name);
        any(
            &mut self.attributes,
            path,
            &["filter"],
            |state| matches!(state, StateRef::Value(name) if known(name.as_bstr())),
        )
    }

    /// Runs git in the work tree, which obeys the trusted repository alone.
    fn ask_git(&self, arguments: &[&str]) -> Result<super::child::GitOutput> {
        let place = self.place;
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let dir = text(&place.dir);
        let env = [
            ("GIT_DIR", text(place.repo.git_dir())),
            ("GIT_WORK_TREE", dir.clone()),
            ("GIT_INDEX_FILE", text(&place.index_path)),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
        place.git.git_with(&[&["-C", dir.as_str()], arguments].concat(), env, b"")
    }
}

/// Whether this is so of one of these attributes of a path.
fn any(
    attributes: &mut gix::AttributeStack<'_>,
    path: &BStr,
    names: &[&str],
    is_so: impl Fn(StateRef<'_>) -> bool,
) -> Result<bool> {
    let mut found = attributes.selected_attribute_matches(names.iter().copied());
    let entry = or("read attributes", attributes.at_entry(path, None))?;
    entry.matching_attributes(&mut found);
    Ok(found.iter_selected().any(|attribute| is_so(attribute.assignment.state)))
}

/// The mode that git gives to a file.
fn mode_of(metadata: &Metadata) -> Mode {
    use std::os::unix::fs::PermissionsExt as _;
    if metadata.permissions().mode() & 0o100 == 0 { MODE_FILE } else { MODE_PROGRAM }
}

//! Finding a program by its name, as the system would, before it is started.
//!
//! A program that is named by its path is started without a copy of orch's own memory being made for it first,
//! which takes longer than everything else about starting one.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

/// A command. Its program is named by its path, if that is known; it is told the name that it was called by.
pub(super) fn command<A: Into<OsString>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
    env: &[(String, String)],
) -> duct::Expression {
    let path = env.iter().rev().find(|(name, _)| name == "PATH").map_or("", |(_, path)| path);
    let Some(file) = found(program, path) else { return duct::cmd(program, arguments) };
    let name = program.to_owned();
    duct::cmd(file, arguments).before_spawn(move |command| {
        command.arg0(&name);
        Ok(())
    })
}

/// Where the program of a name is, by a `PATH`. None where the system has to search: relative folders
/// count from the program's own directory, and a script that does not name its interpreter is for a shell.
fn found(name: &str, path: &str) -> Option<PathBuf> {
    if name.is_empty() || name.contains('/') {
        return None;
    }
    for folder in std::env::split_paths(OsStr::new(path)) {
        if !folder.is_absolute() {
            return None;
        }
        let file = folder.join(name);
        if file.is_file() && rustix::fs::access(&file, rustix::fs::Access::EXEC_OK).is_ok() {
            return says_how_it_runs(&file).then_some(file);
        }
    }
    None
}

/// Whether the kernel can run it by itself.
fn says_how_it_runs(file: &Path) -> bool {
    let mut begin = [0; 4];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut begin));
    read.is_ok() && (begin == *b"\x7fELF" || begin.starts_with(b"#!"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    /// Folders `a`, `b` with programs of a mode and a content each; their `PATH`.
    fn folders(root: &Path, programs: &[(&str, u32, &str)]) -> String {
        for (at, mode, content) in programs {
            let file = root.join(at);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, content).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(*mode)).unwrap();
        }
        format!("{0}/none:{0}/a:{0}/b", root.display())
    }

    #[test]
    fn the_first_that_can_be_run_is_found() {
        let root = tempfile::tempdir().unwrap();
        let script = "#!/bin/sh\n";
        let path = folders(root.path(), &[("a/x", 0o644, script), ("b/x", 0o755, script)]);
        fs::create_dir(root.path().join("a/y")).unwrap();
        assert_eq!(found("x", &path), Some(root.path().join("b/x")));
        for other in ["y", "z", "", "b/x", "/bin/sh"] {
            assert_eq!(found(other, &path), None, "{other}");
        }
    }

    #[test]
    fn a_program_is_told_the_name_that_it_was_called_by() {
        let env = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        assert!(found("sh", &env[0].1).is_some());
        let said = command("sh", ["-c", "echo $0"], &env).full_env(env.clone()).read().unwrap();
        assert_eq!(said, "sh");
    }

    #[test]
    fn what_only_the_system_can_tell_is_left_to_it() {
        let root = tempfile::tempdir().unwrap();
        let path = folders(root.path(), &[("a/x", 0o755, "echo\n"), ("b/x", 0o755, "#!/bin/sh\n")]);
        // The system runs the first one, by a shell.
        assert_eq!(found("x", &path), None);
        assert_eq!(found("x", &format!("bin:{path}")), None);
        assert_eq!(found("x", ""), None);
    }
}

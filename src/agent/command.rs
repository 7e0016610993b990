//! Any program as an agent: the prompt on standard input, as an argument or as a file; what it
//! prints is its reply.

use super::stream::{Listener, Signal};
use super::{Brief, Known, ending, invoke, reset};
use crate::config::{Profile, PromptBy};
use crate::effects::{Finished, Invocation};

/// The profile's program with its arguments. A relative one that names a path is found in the workspace.
pub(super) fn program(profile: &Profile, brief: &Brief<'_>) -> Vec<String> {
    let mut argv = profile.command.clone();
    if let Some(program) =
        argv.first_mut().filter(|program| program.starts_with("./") || program.starts_with("../"))
    {
        *program = brief.dir.join(&*program).to_string_lossy().into_owned();
    }
    argv
}

/// The profile's program, with the prompt where the profile wants it.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Invocation {
    let mut argv = program(profile, brief);
    let mut stdin = Vec::new();
    match profile.prompt {
        PromptBy::Stdin => stdin = brief.prompt.as_bytes().to_vec(),
        PromptBy::Arg => argv.push(brief.prompt.to_owned()),
        PromptBy::File => argv.push(brief.prompt_file.to_string_lossy().into_owned()),
    }
    invoke(profile, brief, argv, stdin)
}

/// What any program prints says nothing while it runs. That it met a limit, its last words may say.
#[derive(Debug, Clone)]
pub(super) struct Plain(Known);

/// Who understands it.
pub(super) fn listener(known: &Known) -> Plain {
    Plain(known.clone())
}

impl Listener for Plain {
    fn line(&mut self, _: &[u8], _: &mut dyn FnMut(Signal)) {}

    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        let limit = ending::limit(finished);
        let dated = limit.map(|limit| {
            let said = limit.said.clone();
            reset::dated(limit, &said, self.0.now, self.0.zone)
        });
        if let Some(failure) = dated.or_else(|| ending::failure(finished)) {
            signal(Signal::Failed(failure));
        }
    }
}

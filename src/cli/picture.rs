//! What a picture of the graph is by its file's name, and whether it can be shown.

use super::error::CliError;
use super::output::Format;
use crate::config::shell;
use std::ffi::OsStr;
use std::path::Path;

/// What Mermaid draws at the most, by its own defaults (`maxTextSize`, `maxEdges`).
const MERMAID_CHARS: usize = 50_000;
const MERMAID_ARROWS: usize = 500;

/// What a picture's name says that it is; text where it says nothing.
pub(super) fn by_name(path: &Path) -> Result<Format, CliError> {
    match path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase().as_str() {
        "svg" => Ok(Format::Svg),
        "dot" | "gv" => Ok(Format::Dot),
        "mmd" | "mermaid" => Ok(Format::Mermaid),
        "md" => Ok(Format::Md),
        "json" => Ok(Format::Json),
        kind @ ("png" | "pdf" | "jpg" | "jpeg" | "webp" | "gif") => {
            let name = shell::word(&path.to_string_lossy());
            Err(CliError::usage(format!("orch draws no {kind}"))
                .hint(format!("type `orch graph --format dot | dot -T{kind} -o {name}`"))
                .hint("or have it drawn as `.svg`"))
        }
        _ => Ok(Format::Human),
    }
}

/// That what shows Mermaid's pictures will not show this one, unless somebody has raised its bounds.
pub(super) fn too_large(picture: &str) -> Option<String> {
    let (characters, arrows) = (picture.chars().count(), picture.matches(" --> ").count());
    (characters > MERMAID_CHARS || arrows > MERMAID_ARROWS).then(|| {
        format!(
            "Mermaid draws no more than {MERMAID_CHARS} characters and {MERMAID_ARROWS} arrows where nobody raised that, and this has {characters} and {arrows}: add `--hide-closed`, or name a task"
        )
    })
}

//! Reports of covered lines in XML: Cobertura's and `JaCoCo`'s.
//!
//! They are read as a stream; entities other than the five of XML are not resolved, so that no
//! document grows or reads another.

use super::{Coverage, ReportError, malformed};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// How deep elements may lie in elements.
const DEPTH_MAX: usize = 200;

/// What happens while a document is read.
pub(super) enum Node<'n> {
    /// An element begins.
    Begin(&'n str, &'n BytesStart<'n>),
    /// An element ends.
    End(&'n str),
}

/// Tells every element of a document, which has to be a whole one.
pub(super) fn walk(
    text: &str,
    tell: &mut dyn FnMut(&Node<'_>) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        let event = reader.read_event().map_err(malformed)?;
        match &event {
            Event::Start(element) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(malformed(format!("its elements lie more than {DEPTH_MAX} deep")));
                }
                tell(&Node::Begin(element.local_name().into_inner(), element))?;
            }
            Event::Empty(element) => {
                tell(&Node::Begin(element.local_name().into_inner(), element))?;
                tell(&Node::End(element.local_name().into_inner()))?;
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                tell(&Node::End(element.local_name().into_inner()))?;
            }
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err(malformed("the document ends in the middle of an element")),
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

/// An attribute of an element.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found =
        element.attributes().flatten().find(|attribute| attribute.key.local_name().into_inner() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}

fn number<N: std::str::FromStr>(element: &BytesStart<'_>, name: &str) -> Result<N, ReportError> {
    let value = attribute(element, name).and_then(|value| value.trim().parse().ok());
    value.ok_or_else(|| malformed(format!("a line has no number `{name}`")))
}

/// Reads a report by the name of its first element.
pub(super) fn coverage(text: &str) -> Result<Coverage, ReportError> {
    let mut coverage = Coverage::default();
    let (mut root, mut package, mut file) = (String::new(), String::new(), None::<String>);
    walk(text, &mut |node| {
        match (root.as_str(), node) {
            ("", Node::Begin(name, _)) => (*name).clone_into(&mut root),
            ("coverage", Node::Begin("class", element)) => file = attribute(element, "filename"),
            ("coverage", Node::Begin("line", element)) => {
                if let Some(file) = &file {
                    let hits: f64 = number(element, "hits")?;
                    coverage.note(file, number(element, "number")?, hits > 0.0)?;
                }
            }
            ("coverage", Node::End("class")) | ("report", Node::End("sourcefile")) => file = None,
            ("report", Node::Begin("package", element)) => {
                package = attribute(element, "name").unwrap_or_default();
            }
            ("report", Node::Begin("sourcefile", element)) => {
                file = attribute(element, "name")
                    .map(|name| if package.is_empty() { name } else { format!("{package}/{name}") });
            }
            ("report", Node::Begin("line", element)) => {
                if let Some(file) = &file {
                    let run: u64 = number(element, "ci")?;
                    coverage.note(file, number(element, "nr")?, run > 0)?;
                }
            }
            ("coverage" | "report", Node::Begin(..) | Node::End(_)) | (_, Node::End(_)) => {}
            (_, Node::Begin(..)) => return Err(ReportError::Unknown),
        }
        Ok(())
    })?;
    if matches!(root.as_str(), "coverage" | "report") { Ok(coverage) } else { Err(ReportError::Unknown) }
}

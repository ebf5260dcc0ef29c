//! A mistake in the operator's file: number, sentence, place and hint; and all mistakes of a file together.
//! It does not know how they are printed.

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The number `imctl explain` knows it by, such as `IM1207`.
    pub number: &'static str,
    /// What is wrong, as a lower-case sentence that names its subject.
    pub message: String,
    /// The place in bytes and what stands there; none when the file as a whole is meant.
    pub label: Option<Label>,
    /// Another place that belongs to it, such as the first of two equal keys.
    pub other: Option<Box<Label>>,
    /// What helps; empty when the sentence says it all.
    pub help: String,
}

/// A place with a word about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Bytes of the file.
    pub span: Range<usize>,
    /// A few words, shown under the place.
    pub text: String,
}

impl Mistake {
    /// A mistake of the file as a whole.
    pub fn new(number: &'static str, message: impl Into<String>) -> Self {
        Self { number, message: message.into(), label: None, other: None, help: String::new() }
    }

    /// Points at a place.
    #[must_use]
    pub fn at(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.label = Some(Label { span, text: text.into() });
        self
    }

    /// Points at a second place.
    #[must_use]
    pub fn and(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.other = Some(Box::new(Label { span, text: text.into() }));
        self
    }

    /// Says what helps.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// All mistakes of one file, in the order of the file; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    /// The file.
    pub path: PathBuf,
    /// Its text; empty when it could not be read.
    pub text: Arc<str>,
    /// The mistakes.
    pub list: Vec<Mistake>,
}

impl Mistakes {
    /// Gathers mistakes of a file and puts them in the order of the file.
    pub(super) fn new(path: PathBuf, text: Arc<str>, mut list: Vec<Mistake>) -> Self {
        list.sort_by_key(|mistake| mistake.label.as_ref().map_or(0, |label| label.span.start));
        Self { path, text, list }
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn line_and_column(&self, byte: usize) -> (usize, usize) {
        line_and_column(&self.text, byte)
    }

    /// Each mistake as a report with its snippet of the file.
    pub fn diagnostics(&self) -> impl Iterator<Item = MistakeDiagnostic> + '_ {
        let name = self.path.display().to_string();
        self.list.iter().map(move |mistake| MistakeDiagnostic {
            mistake: mistake.clone(),
            source: Source { name: name.clone(), text: Arc::clone(&self.text) },
        })
    }
}

/// Line and column of a byte in a text, both from 1, the column in characters.
pub fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.path.display();
        match self.list.len() {
            1 => write!(out, "1 mistake in {file}; nothing was contacted"),
            count => write!(out, "{count} mistakes in {file}; nothing was contacted"),
        }
    }
}

impl std::error::Error for Mistakes {}

/// A mistake together with the text of its file, for miette to draw.
#[derive(Debug)]
pub struct MistakeDiagnostic {
    /// The mistake.
    pub mistake: Mistake,
    source: Source,
}

impl fmt::Display for MistakeDiagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.mistake.message)
    }
}

impl std::error::Error for MistakeDiagnostic {}

impl Diagnostic for MistakeDiagnostic {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.mistake.help.is_empty()).then(|| Box::new(&self.mistake.help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.mistake.label.as_ref().map(|_| &self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let first = self.mistake.label.as_ref()?;
        let primary = LabeledSpan::new_primary_with_span(Some(first.text.clone()), first.span.clone());
        let other = self
            .mistake
            .other
            .as_ref()
            .map(|label| LabeledSpan::new_with_span(Some(label.text.clone()), label.span.clone()));
        Some(Box::new(std::iter::once(primary).chain(other)))
    }
}

/// A file's text whose columns are counted in characters, as editors do, not in bytes.
#[derive(Debug)]
struct Source {
    name: String,
    text: Arc<str>,
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let part = self.text.as_ref().read_span(span, lines_before, lines_after)?;
        let (_, column) = line_and_column(&self.text, part.span().offset());
        let (span, line, lines) = (*part.span(), part.line(), part.line_count());
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            part.data(),
            span,
            line,
            column - 1,
            lines,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_characters_not_bytes() {
        let text = "名字: x\n主机: y\n";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, text.find('y').expect("it is there")), (2, 5));
        assert_eq!(line_and_column(text, 10_000), (3, 1));
    }
}

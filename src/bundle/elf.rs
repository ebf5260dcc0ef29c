//! What a program needs of its host, read from its own header: shared libraries and the oldest glibc. Pure.

/// Needs of a dynamically linked program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needs {
    /// Newest glibc version it asks for, such as (2, 34).
    pub(super) glibc: (u32, u32),
    /// Shared libraries.
    pub(super) libraries: Vec<String>,
}

const DYNAMIC: u32 = 6;
const VERNEED: u32 = 0x6fff_fffe;
const NEEDED: u64 = 1;

/// One section's type, place, size and the section it links to.
struct Section {
    kind: u32,
    offset: usize,
    size: usize,
    link: usize,
}

/// Reads a 64-bit little-endian program for x86-64; none when it is not one, or needs no library.
pub(super) fn needs(program: &[u8]) -> Option<Needs> {
    if program.get(..6)? != b"\x7fELF\x02\x01" || number(program, 18, 2)? != 62 {
        return None;
    }
    let sections = sections(program)?;
    let dynamic = sections.iter().find(|section| section.kind == DYNAMIC)?;
    let names = sections.get(dynamic.link)?;
    let mut libraries = Vec::new();
    for at in (dynamic.offset..dynamic.offset + dynamic.size).step_by(16) {
        if number(program, at, 8)? == NEEDED {
            libraries.push(word(program, names, number(program, at + 8, 8)?)?);
        }
    }
    let mut newest = (2, 0);
    if let Some(verneed) = sections.iter().find(|section| section.kind == VERNEED) {
        for version in versions(program, verneed, sections.get(verneed.link)?)? {
            newest = newest.max(glibc(&version).unwrap_or(newest));
        }
    }
    Some(Needs { glibc: newest, libraries })
}

fn sections(program: &[u8]) -> Option<Vec<Section>> {
    let table = usize::try_from(number(program, 40, 8)?).ok()?;
    let size = usize::try_from(number(program, 58, 2)?).ok()?;
    let count = usize::try_from(number(program, 60, 2)?).ok()?;
    (0..count)
        .map(|index| {
            let at = table.checked_add(index * size)?;
            Some(Section {
                kind: u32::try_from(number(program, at + 4, 4)?).ok()?,
                offset: usize::try_from(number(program, at + 24, 8)?).ok()?,
                size: usize::try_from(number(program, at + 32, 8)?).ok()?,
                link: usize::try_from(number(program, at + 40, 4)?).ok()?,
            })
        })
        .collect()
}

/// Version names a program needs of its libraries.
fn versions(program: &[u8], verneed: &Section, names: &Section) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut library = verneed.offset;
    loop {
        let mut version = library + usize::try_from(number(program, library + 8, 4)?).ok()?;
        loop {
            found.push(word(program, names, number(program, version + 8, 4)?)?);
            match usize::try_from(number(program, version + 12, 4)?).ok()? {
                0 => break,
                step => version += step,
            }
        }
        match usize::try_from(number(program, library + 12, 4)?).ok()? {
            0 => return Some(found),
            step => library += step,
        }
    }
}

fn glibc(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

fn number(program: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let mut eight = [0; 8];
    eight[..bytes].copy_from_slice(program.get(at..at.checked_add(bytes)?)?);
    Some(u64::from_le_bytes(eight))
}

fn word(program: &[u8], names: &Section, at: u64) -> Option<String> {
    let rest = program.get(names.offset + usize::try_from(at).ok()?..)?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_machine_tells_its_needs() {
        let needs = needs(&std::fs::read("/bin/sh").unwrap()).unwrap();
        assert!(needs.libraries.contains(&"libc.so.6".to_owned()), "{needs:?}");
        assert!(needs.glibc > (2, 2) && needs.glibc < (3, 0), "{needs:?}");
    }

    #[test]
    fn a_text_or_a_torn_program_tells_nothing() {
        assert_eq!(needs(b"#!/bin/sh\n"), None);
        assert_eq!(needs(&std::fs::read("/bin/sh").unwrap()[..300]), None);
    }

    #[test]
    fn glibc_versions_compare_as_numbers() {
        assert!(glibc("GLIBC_2.36") > glibc("GLIBC_2.4"));
        assert_eq!(glibc("GCC_3.0"), None);
    }
}

//! The law of the house: a module uses only modules declared above it; above the street door nobody names a socket, a clock,
//! a runtime, a file, a log, a random source or a hash-ordered map; only the store settles debts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// The modules in the order of `src/lib.rs`, and how many of them stand above the door.
fn modules() -> (Vec<String>, usize) {
    let lib = fs::read_to_string(format!("{SOURCE}/lib.rs")).expect("lib.rs");
    let mut modules = Vec::new();
    let mut above = None;
    for line in lib.lines() {
        if line.contains("the street door") && line.starts_with("// ---") {
            above = Some(modules.len());
        }
        if let Some(name) = line.strip_prefix("pub mod ") {
            modules.push(name.trim_end_matches(';').to_owned());
        }
    }
    (modules, above.expect("the street door"))
}

fn files(of: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(of).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source file by module, without comments and without its tests.
fn code() -> BTreeMap<PathBuf, (String, String)> {
    let mut paths = Vec::new();
    files(Path::new(SOURCE), &mut paths);
    let mut code = BTreeMap::new();
    for path in paths {
        let inside = path.strip_prefix(SOURCE).expect("below src").to_owned();
        let module = inside.iter().next().expect("a name").to_string_lossy().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).expect("UTF-8");
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
        let lines: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        code.insert(inside, (module, lines.join("\n")));
    }
    code
}

#[test]
fn a_module_uses_only_modules_declared_above_it() {
    let (modules, _) = modules();
    let place = |name: &str| modules.iter().position(|module| module == name);
    let mut wrong = Vec::new();
    for (path, (module, text)) in code() {
        let Some(own) = place(&module) else { continue };
        for (at, _) in text.match_indices("crate::") {
            let used: String = text[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if place(&used).is_some_and(|used| used > own) {
                wrong.push(format!("{} uses {used}, which is declared below {module}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_of_src_is_a_declared_module() {
    let (modules, _) = modules();
    let folders = fs::read_dir(SOURCE).expect("src").map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    for folder in folders {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(modules.contains(&name), "src/{name} is not declared in lib.rs");
    }
}

#[test]
fn above_the_street_door_nobody_names_the_world() {
    const WORLD: &[&str] = &[
        "tokio",
        "std::net",
        "std::fs",
        "std::io::",
        "std::time",
        "std::thread",
        "std::env",
        "Instant",
        "tracing",
        "metrics::",
        "println!",
        "eprintln!",
        "HashMap",
        "HashSet",
        "rand::",
        "sqlx",
        "axum",
        "std::process",
        "Mutex",
        "Atomic",
    ];
    let (modules, above) = modules();
    let mut wrong = Vec::new();
    for (path, (module, text)) in code() {
        // The fleet stands at the other end of the wire: its `run.rs` has hands of its own.
        if module == "fleet" || !modules[..above].contains(&module) {
            continue;
        }
        wrong.extend(WORLD.iter().filter(|word| text.contains(**word)).map(|word| format!("{} names {word}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_fleet_knows_protocol_and_domain_only() {
    for (path, (module, text)) in code() {
        if module != "fleet" {
            continue;
        }
        for (at, _) in text.match_indices("crate::") {
            let used: String = text[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(matches!(used.as_str(), "protocol" | "domain" | "fleet"), "{} uses {used}", path.display());
        }
    }
}

#[test]
fn only_the_store_settles_debts_and_only_the_link_makes_them() {
    for (path, (module, text)) in code() {
        let settles = text.contains("Debt::settle") || text.contains(".settle()");
        assert!(!settles || module == "store", "{} settles a debt", path.display());
        assert!(!text.contains("Debt::new") || module == "link", "{} makes a debt", path.display());
        let clones = text.contains("derive(Clone")
            && text.contains("pub struct Debt {")
            && text.split("pub struct Debt {").next().is_some_and(|before| before.ends_with("Clone)]\n"));
        assert!(!clones, "a debt cannot be cloned");
    }
}

#[test]
fn the_offset_of_the_zone_is_written_in_one_file() {
    let named: Vec<PathBuf> =
        code().into_iter().filter(|(_, (_, text))| text.contains("constant(8)") || text.contains("+08:00\"")).map(|(path, _)| path).collect();
    assert_eq!(named, [PathBuf::from("domain/time.rs")]);
}

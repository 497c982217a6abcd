//! What `deploy/` and the Dockerfile name is there, and what they promise is so.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Folders and files that the image is built from.
fn copied() -> Vec<PathBuf> {
    let dockerfile = text("Dockerfile");
    let copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|rest| !rest.starts_with("--from="));
    copies.flat_map(|rest| rest.split_whitespace().rev().skip(1).map(PathBuf::from).collect::<Vec<_>>()).collect()
}

#[test]
fn the_image_is_built_from_what_is_there_and_from_all_that_the_program_includes() {
    let copied = copied();
    for path in &copied {
        assert!(root().join(path).exists(), "the Dockerfile copies {}, which is not there", path.display());
    }
    let manifest: toml::Value = text("Cargo.toml").parse().expect("TOML");
    let named = ["bench", "test", "example"].into_iter().flat_map(|kind| manifest.get(kind).and_then(toml::Value::as_array).into_iter().flatten());
    let folders = named.filter_map(|target| target.get("path")?.as_str()).filter_map(|path| path.split('/').next().map(PathBuf::from));
    for folder in folders.chain(["src", "migrations", "protocol-fixtures", "benches", "tests"].map(PathBuf::from)) {
        assert!(copied.contains(&folder), "the Dockerfile does not copy {}", folder.display());
    }
}

#[test]
fn nothing_in_a_container_or_a_unit_has_more_rights_than_it_needs() {
    let (dockerfile, compose, unit) = (text("Dockerfile"), text("deploy/compose.yaml"), text("deploy/hj212d.service"));
    assert!(dockerfile.lines().any(|line| line == "USER 10001"));
    for (name, next) in [("gateway", "\n  worker-1:"), ("worker-1", "\n  worker-2:")] {
        let service = compose.split(&format!("\n  {name}:")).nth(1).and_then(|rest| rest.split(next).next()).expect("the service");
        for line in ["read_only: true", "cap_drop: [ALL]", "security_opt: [\"no-new-privileges:true\"]"] {
            assert!(service.contains(line), "{name}: {line}");
        }
    }
    assert!(compose.contains("worker-2:\n    <<: *worker"), "the other worker is like the first");
    assert!(!compose.contains("privileged: true"));
    for line in ["User=hj212d", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict"] {
        assert!(unit.lines().any(|known| known == line), "{line}");
    }
    // No password stands in what is shipped.
    for shipped in [&compose, &text("deploy/hj212d.toml")] {
        for line in shipped.lines().filter(|line| line.to_lowercase().contains("password") && !line.trim_start().starts_with('#')) {
            let empty = line.trim_end().ends_with("\"\"");
            assert!(empty || line.contains("${POSTGRES_PASSWORD:?"), "{line}");
        }
    }
}

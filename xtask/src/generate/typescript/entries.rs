//! The modules that the packages export: what a user imports.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::super::Files;
use super::super::document::{Document, Operation};
use super::{MARK, by_area, pascal};

/// What every entry hands on from the shared modules.
const ERRORS: &str = "CrmError, isCrmError";
const RENDER: &str = "addCatalogue, hasCatalogue, render, renderTree";
/// What is there only with a store.
const STORED: [&str; 6] = ["Crm", "conformance", "createTables", "decide", "decideWith", "tables"];

/// All entries and their types.
pub fn files(document: &Document) -> Files {
    let full = pure_areas(document, &|_| true);
    let price = pure_areas(document, &|operation| operation.every_build);
    let mut files = Files::new();
    let mut add = |path: &str, text: String| files.push((PathBuf::from(path), text));

    add("bindings-node/index.cjs", node_common(&full));
    add("bindings-node/index.mjs", wrapper("./index.cjs", &names(&full, true, &[])));
    add("bindings-node/index.d.ts", declarations(&full, true, ""));
    add("bindings-node/index.d.mts", format!("{MARK}export * from './index.js';\n"));
    for (build, areas, stored) in [("price", &price, false), ("full", &full, true), ("check", &full, true)] {
        let starts = ["init", "initSync"];
        add(&format!("bindings-wasm/web/{build}.mjs"), web(build, areas, stored));
        add(&format!("bindings-wasm/bundler/{build}.mjs"), bundler(build, areas, stored));
        add(&format!("bindings-wasm/node/{build}.cjs"), node_wasm(build, areas, stored));
        let node = wrapper(&format!("./{build}.cjs"), &names(areas, stored, &starts)) + "export default wasm.init;\n";
        add(&format!("bindings-wasm/node/{build}.mjs"), node);
        let types = declarations(areas, stored, START_TYPES);
        // A module has the default export that a common one has not, and names the files that it takes from.
        let module = ["types", "crm", "areas"]
            .iter()
            .fold(types.clone(), |text, file| text.replace(&format!("/lib/{file}'"), &format!("/lib/{file}.js'")));
        add(&format!("bindings-wasm/{build}.d.ts"), types);
        add(&format!("bindings-wasm/{build}.d.mts"), module + "\nexport default init;\n");
    }
    files
}

/// The areas with operations that need no store.
fn pure_areas(document: &Document, wanted: &dyn Fn(&Operation) -> bool) -> Vec<String> {
    let is_wanted = |operation: &&Operation| operation.effect == "pure" && wanted(operation);
    by_area(document).into_iter().filter(|(_, list)| list.iter().any(is_wanted)).map(|(area, _)| area).collect()
}

fn names(areas: &[String], stored: bool, more: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = ERRORS.split(", ").chain(RENDER.split(", ")).map(str::to_owned).collect();
    names.extend(["callJson", "describe"].map(str::to_owned));
    if stored {
        names.extend(STORED.map(str::to_owned));
    }
    names.extend(more.iter().map(|name| (*name).to_owned()));
    names.extend(areas.iter().cloned());
    names
}

fn node_common(areas: &[String]) -> String {
    let areas = areas.join(", ");
    format!(
        "'use strict';
{MARK}
const binding = require('./native.cjs');
const {{ {ERRORS} }} = require('./lib/error.cjs');
const {{ {RENDER} }} = require('./lib/render.cjs');
const {{ crmOf }} = require('./lib/crm.cjs');
const {{ conformanceOf, tablesOf }} = require('./lib/hosted.cjs');
const {{ decideOf, decideWithOf, pureOf }} = require('./lib/pure.cjs');
const {{ every }} = require('./lib/operations.cjs');

const native = {{ ...binding, generation: () => 0 }};
const Crm = crmOf(native);
const conformance = conformanceOf(native);
const {{ createTables, tables }} = tablesOf(native);
const decide = decideOf(native);
const decideWith = decideWithOf(decide);
const describe = () => JSON.parse(native.describe());
const callJson = (request) => native.call(request);
const {{ {areas} }} = pureOf(native, every);
addCatalogue('en', require('./catalogue/en.json'));
addCatalogue('zh', require('./catalogue/zh.json'));

module.exports = {{ {ERRORS}, {RENDER}, Crm, callJson, conformance, createTables, decide, decideWith, describe, tables, {areas} }};
"
    )
}

/// An ES module over a CommonJS one, so that a program which uses both has one copy.
fn wrapper(file: &str, names: &[String]) -> String {
    format!("{MARK}\nimport wasm from '{file}';\n\nexport const {{ {} }} = wasm;\n", names.join(", "))
        .replace("wasm", if file == "./index.cjs" { "crm" } else { "wasm" })
}

/// The body that every entry of the WebAssembly package shares: the façade over `glue`, `restart` and `catalogue`.
fn body(areas: &[String], stored: bool, export: &str) -> String {
    let table = if stored { "every" } else { "small" };
    let mut out = String::new();
    if stored {
        let functions =
            "abort, begin, call, callOn, close, decide: decideFacts, describe: describeBuild, openMemory, resume";
        let _ = writeln!(out, "const {{ {functions} }} = glue;");
        out.push_str("const native = guarded({ abort, begin, call, callOn, close, decide: decideFacts, describe: describeBuild, openMemory, resume }, restart, isLoaded);\n");
        let _ = writeln!(out, "{export}const Crm = crmOf(native);");
        let _ = writeln!(out, "{export}const conformance = conformanceOf(native);");
        let _ = writeln!(out, "{export}const {{ createTables, tables }} = tablesOf(native);");
        let _ = writeln!(out, "{export}const decide = decideOf(native);");
        let _ = writeln!(out, "{export}const decideWith = decideWithOf(decide);");
    } else {
        out.push_str("const native = guarded({ call: glue.call, describe: glue.describe }, restart, isLoaded);\n");
    }
    let _ = writeln!(out, "{export}const describe = () => JSON.parse(native.describe());");
    let _ = writeln!(out, "{export}const callJson = (request) => native.call(request);");
    let _ = writeln!(out, "{export}const {{ {} }} = pureOf(native, {table});", areas.join(", "));
    out
}

fn imports(stored: bool) -> String {
    let mut out = format!(
        "import {{ {ERRORS} }} from '../lib/error.mjs';\nimport {{ {RENDER} }} from '../lib/render.mjs';\nimport {{ guarded }} from '../lib/instance.mjs';\n"
    );
    if stored {
        out.push_str("import { crmOf } from '../lib/crm.mjs';\nimport { conformanceOf, tablesOf } from '../lib/hosted.mjs';\nimport { decideOf, decideWithOf, pureOf } from '../lib/pure.mjs';\nimport { every } from '../lib/operations.mjs';\n");
    } else {
        out.push_str("import { pureOf } from '../lib/pure.mjs';\nimport { small } from '../lib/operations.mjs';\n");
    }
    out
}

fn web(build: &str, areas: &[String], stored: bool) -> String {
    let imports = imports(stored);
    let body = body(areas, stored, "export ");
    format!(
        "{MARK}
import * as glue from '../pkg/{build}/web/bindings_wasm.js';
{imports}
export {{ {ERRORS}, {RENDER} }};

let loaded = false;
const isLoaded = () => loaded;
const restart = () => glue.__wbg_reset_state();

/** Loads the module once: from beside this file, or from an address, a response or bytes. */
export async function init(source) {{
  await glue.default(source === undefined ? undefined : {{ module_or_path: source }});
  loaded = true;
}}

/** Loads the module from bytes or a compiled module, at once. */
export function initSync(module) {{
  glue.initSync({{ module }});
  loaded = true;
}}

export default init;

{body}"
    )
}

fn bundler(build: &str, areas: &[String], stored: bool) -> String {
    let imports = imports(stored);
    let body = body(areas, stored, "export ");
    format!(
        "{MARK}
import * as glue from '../pkg/{build}/bundler/bindings_wasm.js';
{imports}
export {{ {ERRORS}, {RENDER} }};

const restart = () => {{
  throw new Error('a bundler keeps the module to itself: load the page again');
}};

const isLoaded = () => true;

/** The bundler has loaded the module already. */
export async function init() {{}}

/** The bundler has loaded the module already. */
export function initSync() {{}}

export default init;

{body}"
    )
}

fn node_wasm(build: &str, areas: &[String], stored: bool) -> String {
    let imports =
        super::common(&imports(stored)).replace("'use strict';\n", "").replace("\nmodule.exports = {  };\n", "");
    let body = body(areas, stored, "");
    let mut exported = vec![ERRORS.to_owned(), RENDER.to_owned(), "callJson, describe, init, initSync".to_owned()];
    exported.extend(stored.then(|| STORED.join(", ")));
    exported.push(areas.join(", "));
    format!(
        "'use strict';
{MARK}
const glue = require('../pkg/{build}/nodejs/bindings_wasm.js');
{imports}
const restart = () => glue.__wbg_reset_state();
const isLoaded = () => true;

/** Node has loaded the module already. */
async function init() {{}}

/** Node has loaded the module already. */
function initSync() {{}}

{body}addCatalogue('en', require('../catalogue/en.json'));
addCatalogue('zh', require('../catalogue/zh.json'));

module.exports = {{ {} }};
",
        exported.join(", ")
    )
}

const START_TYPES: &str = "
/** Loads the module once: from beside the package's file, or from an address, a response or bytes. In Node it is loaded already. */
export declare function init(source?: RequestInfo | URL | Response | BufferSource | WebAssembly.Module): Promise<void>;

/** Loads the module from bytes or a compiled module, at once. */
export declare function initSync(module?: BufferSource | WebAssembly.Module): void;
";

fn declarations(areas: &[String], stored: bool, more: &str) -> String {
    let mut out = format!("{MARK}\nexport * from './lib/types';\n");
    if stored {
        out.push_str("export * from './lib/crm';\nexport * from './lib/areas';\n");
    } else {
        out.push_str("export { CrmError, addCatalogue, callJson, describe, hasCatalogue, isCrmError, render, renderTree } from './lib/crm';\nexport type { Answer, Description, Explained, PureOptions } from './lib/crm';\n");
    }
    let types: Vec<String> = areas.iter().map(|area| format!("Pure{}", pascal(area))).collect();
    let _ = writeln!(out, "import type {{ {} }} from './lib/areas';", types.join(", "));
    for (area, kind) in areas.iter().zip(&types) {
        let _ = writeln!(
            out,
            "\n/** What `{area}` computes at once, without an engine. */\nexport declare const {area}: {kind};"
        );
    }
    out.push_str(more);
    out
}

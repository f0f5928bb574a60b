/** What `protoc-gen-quorate --help` prints. */
export const helpText: string = `protoc-gen-quorate writes the service tables of quorate from .proto files.

It is a Protocol Buffers compiler plugin: buf or protoc starts it and talks to it over
standard input and output. It works beside protoc-gen-es, whose output it imports.

buf.gen.yaml:

  version: v2
  plugins:
    - local: protoc-gen-es
      out: src/gen
      include_imports: true
      opt: [target=ts, import_extension=js]
    - local: protoc-gen-quorate
      out: src/gen
      opt: [target=ts, import_extension=js]

Call types are method options of gorums.proto:

  (no option), gorums.rpc            a call to one node
  gorums.unicast                     a one-way call to one node
  gorums.multicast                   a one-way call to every node
  gorums.quorumcall                  a call to every node, one reply each
  gorums.quorumcall, stream reply    a correctable call, several replies each

Options: those of every protobuf-es plugin, such as target, import_extension,
js_import_style, keep_empty_files, rewrite_imports and map_imports.

  --version   print the version
  --help      print this text
`;

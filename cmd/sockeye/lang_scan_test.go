package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// others is what people are told in words that no source file of ours has as
// they stand.
var others = []string{
	// cobra and pflag
	"accepts %d arg(s), received %d", "accepts at most %d arg(s), received %d", "invalid argument %q for %q", "unknown command %q for %q",
	"unknown flag: --%s", "unknown shorthand flag: %q in -%s", "flag needs an argument: --%s", "flag needs an argument: %q in -%s",
	"invalid argument %q for %q flag: %v", "bad flag syntax: %s", "help for %s",
	// [handler.ErrNoReply] in its sentences
	"no reply came from %v in %v", "no reply came: %d of %d from %v", "no reply came: %d of %d before %v closed",
	// gVisor, to the lab's applications
	"connection was refused", "operation timed out", "connection reset by peer",
	pflagDefault, exitCodes,
}

// spoken is every text that a catalogue has to have, with where it is from.
func spoken(t *testing.T) map[string]string {
	all := make(map[string]string)
	for _, text := range slices.Concat(others, cobraWords) {
		all[text] = "lang.go"
	}
	root := (&app{}).root()
	root.InitDefaultHelpCmd()
	commands(root, []string{"sockeye"}, func(cmd *cobra.Command, words []string) {
		at := strings.Join(words, " ") + " --help"
		all[plainText(cmd.Short)], all[plainText(cmd.Long)] = at, at
		if strings.Contains(strings.TrimLeft(cmd.Example, " "), "   ") { // a remark: commands alone speak for themselves
			all[plainText(cmd.Example)] = at
		}
		usage := func(f *pflag.Flag) {
			if f.Name != "help" {
				all[plainText(f.Usage)] = at
			}
		}
		cmd.Flags().VisitAll(usage)
		cmd.PersistentFlags().VisitAll(usage)
	})
	err := filepath.WalkDir("../..", func(dir string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case slices.Contains([]string{"testdata", "examples", "bench", ".git", "room"}, d.Name()):
			return filepath.SkipDir
		}
		return scan(t, dir, func(text, at string) { all[text] = strings.TrimPrefix(filepath.ToSlash(at), "../../") })
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(all, "")
	return all
}

// speaking are the packages whose errors people see as they stand.
var speaking = []string{"main", "handler", "lan", "lab", "impair"}

// A scanner finds what one package says to people.
//
// What is said at once is the first argument of functions named note, Note,
// usage, format and, where people see errors as they stand, errors.New and
// fmt.Errorf. A hint is what becomes of something named hint: a variable, a
// constant, a field, a parameter, a result, a function.
type scanner struct {
	t     *testing.T
	fset  *token.FileSet
	found func(text, at string)

	values   map[string]ast.Expr // of constants and variables of the package
	params   map[string]int      // which parameter of a function is a hint
	results  map[string]int      // which result
	fields   map[string]int      // which field of a struct
	function ast.Node            // the one we are in
	errors   bool
}

func scan(t *testing.T, dir string, found func(text, at string)) error {
	s := &scanner{t: t, fset: token.NewFileSet(), found: found, values: make(map[string]ast.Expr),
		params: make(map[string]int), results: make(map[string]int), fields: make(map[string]int)}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(filepath.Base(name), "nc") || strings.HasSuffix(name, "po.go") {
			continue // netcats speak English, and catalogues to those who write them
		}
		f, err := parser.ParseFile(s.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
		s.errors = slices.Contains(speaking, f.Name.Name)
		s.declarations(f)
	}
	for _, f := range files {
		for _, d := range f.Decls {
			s.function = d
			ast.Inspect(d, s.visit)
		}
	}
	return nil
}

func isHint(name string) bool { return strings.Contains(strings.ToLower(name), "hint") }

// hintIn is the place of the hint in a list of parameters, results or fields.
func hintIn(list *ast.FieldList) (int, bool) {
	i := 0
	for _, f := range list.List {
		for _, name := range f.Names {
			if isHint(name.Name) {
				return i, true
			}
			i++
		}
	}
	return 0, false
}

func (s *scanner) declarations(f *ast.File) {
	signature := func(name string, typ *ast.FuncType) {
		if i, ok := hintIn(typ.Params); ok {
			s.params[name] = i
		}
		if typ.Results == nil {
			return
		}
		if i, ok := hintIn(typ.Results); ok {
			s.results[name] = i
		} else if id, ok := typ.Results.List[0].Type.(*ast.Ident); ok && isHint(name) && id.Name == "string" {
			s.results[name] = 0
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			signature(n.Name.Name, n.Type)
		case *ast.AssignStmt:
			if fn, ok := n.Rhs[0].(*ast.FuncLit); ok {
				if id, ok := n.Lhs[0].(*ast.Ident); ok {
					signature(id.Name, fn.Type)
				}
			}
		case *ast.TypeSpec:
			if st, ok := n.Type.(*ast.StructType); ok {
				if i, ok := hintIn(st.Fields); ok {
					s.fields[n.Name.Name] = i
				}
			}
		case *ast.ValueSpec:
			for i, v := range n.Values {
				s.values[n.Names[i].Name] = v
			}
		}
		return true
	})
}

func (s *scanner) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		s.returns(n.Name.Name, n.Body)
	case *ast.CallExpr:
		s.call(n)
	case *ast.AssignStmt:
		for i, v := range n.Rhs {
			if len(n.Lhs) == len(n.Rhs) {
				s.assigned(n.Lhs[i], v)
			} else {
				_, ranged := n.Rhs[0].(*ast.IndexExpr)
				if id, ok := n.Lhs[0].(*ast.Ident); ok && ranged && isHint(id.Name) {
					s.hint(v)
				}
			}
		}
	case *ast.ValueSpec:
		for i, v := range n.Values {
			s.assigned(n.Names[i], v)
		}
	case *ast.CompositeLit:
		s.composite(n)
	}
	return true
}

func (s *scanner) assigned(to, v ast.Expr) {
	name := ""
	switch to := to.(type) {
	case *ast.Ident:
		name = to.Name
	case *ast.SelectorExpr:
		name = to.Sel.Name
	}
	switch v.(type) {
	case *ast.FuncLit, *ast.CompositeLit: // their insides are looked into
	default:
		if isHint(name) {
			s.hint(v)
		}
	}
}

// returns finds what a function with a hint among its results returns.
func (s *scanner) returns(name string, body *ast.BlockStmt) {
	i, ok := s.results[name]
	if !ok || body == nil {
		return
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok && i < len(r.Results) {
			s.hint(r.Results[i])
		}
		_, inner := n.(*ast.FuncLit)
		return !inner
	})
}

func (s *scanner) call(call *ast.CallExpr) {
	name, from := "", ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, ok := f.X.(*ast.Ident); ok {
			from = x.Name
		}
	}
	if i, ok := s.params[name]; ok && i < len(call.Args) {
		s.hint(call.Args[i])
	}
	if len(call.Args) == 0 {
		return
	}
	text, ok := literal(call.Args[0])
	if !ok {
		return
	}
	switch {
	case name == "note", name == "Note", name == "usage", name == "format":
		if literals, _ := splitFormat(text); letters(literals) > 0 {
			s.say(text, call)
		}
	case s.errors && from == "fmt" && name == "Errorf", s.errors && from == "errors" && name == "New":
		if literals, args := splitFormat(text); len(args) == 0 || letters(literals) >= enoughLetters {
			s.say(text, call)
		}
	}
}

// composite finds the hints in literals of structs and in tables of them.
func (s *scanner) composite(lit *ast.CompositeLit) {
	place := func(typ ast.Expr) (int, bool) {
		switch typ := typ.(type) {
		case *ast.StructType:
			return hintIn(typ.Fields)
		case *ast.Ident:
			i, ok := s.fields[typ.Name]
			return i, ok
		}
		return 0, false
	}
	element := func(e ast.Expr, i int) {
		if l, ok := e.(*ast.CompositeLit); ok && i < len(l.Elts) {
			if _, keyed := l.Elts[i].(*ast.KeyValueExpr); !keyed {
				s.hint(l.Elts[i])
			}
		}
	}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok {
				s.assigned(id, kv.Value)
			}
		}
	}
	switch typ := lit.Type.(type) {
	case *ast.ArrayType:
		if i, ok := place(typ.Elt); ok {
			for _, e := range lit.Elts {
				element(e, i)
			}
		}
	case *ast.MapType:
		if i, ok := place(typ.Value); ok {
			for _, e := range lit.Elts {
				element(e.(*ast.KeyValueExpr).Value, i)
			}
		}
	default:
		if i, ok := place(typ); ok {
			element(lit, i)
		}
	}
}

// say has found a format.
func (s *scanner) say(format string, at ast.Node) {
	s.found(format, s.fset.Position(at.Pos()).Filename)
}

// hint finds the texts that e may be.
func (s *scanner) hint(e ast.Expr) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := literal(e)
		s.say(plainText(text), e)
		return
	case *ast.ParenExpr:
		s.hint(e.X)
		return
	case *ast.SelectorExpr: // a field, found where it is set
		if isHint(e.Sel.Name) {
			return
		}
	case *ast.Ident:
		if s.ident(e) {
			return
		}
	case *ast.BinaryExpr:
		s.say(concatenated(e), e)
		return
	case *ast.IndexExpr:
		if id, ok := e.X.(*ast.Ident); ok {
			if table, ok := s.values[id.Name].(*ast.CompositeLit); ok {
				for _, e := range table.Elts {
					s.hint(e.(*ast.KeyValueExpr).Value)
				}
				return
			}
		}
	case *ast.CallExpr:
		switch f := e.Fun.(type) {
		case *ast.Ident:
			if f.Name == "inert" { // the same, harmless
				s.hint(e.Args[0])
				return
			}
			if _, ok := s.results[f.Name]; ok {
				return
			}
		case *ast.SelectorExpr:
			if f.Sel.Name == "advice" { // its translation
				return
			}
			if text, ok := literal(e.Args[0]); ok && f.Sel.Name == "Sprintf" {
				s.say(text, e)
				return
			}
			if isHint(f.Sel.Name) {
				return
			}
		}
	}
	s.t.Errorf("%s: this hint cannot be found out by %T: write it as a text, fmt.Sprintf of one, or texts with +", s.fset.Position(e.Pos()), e)
}

// ident finds what a name stands for.
func (s *scanner) ident(id *ast.Ident) (ok bool) {
	if v, ok := s.values[id.Name]; ok {
		s.hint(v)
		return true
	}
	ast.Inspect(s.function, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if to, is := to.(*ast.Ident); !is || to.Name != id.Name {
					continue
				}
				ok = true
				if len(n.Lhs) == len(n.Rhs) && !isHint(id.Name) { // or it has been found there
					s.hint(n.Rhs[i])
				}
			}
		case *ast.FuncType:
			for _, list := range []*ast.FieldList{n.Params, n.Results} {
				if list == nil {
					continue
				}
				if _, has := hintIn(list); has && isHint(id.Name) {
					ok = true
				}
			}
		}
		return true
	})
	return ok
}

// concatenated is the format of a text that is put together with +.
func concatenated(e ast.Expr) string {
	if b, ok := e.(*ast.BinaryExpr); ok {
		return concatenated(b.X) + concatenated(b.Y)
	}
	if text, ok := literal(e); ok {
		return plainText(text)
	}
	return "%s"
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

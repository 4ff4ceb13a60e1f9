#include <algorithm>
#include <cctype>
#include <cstring>
#include <sstream>

#include "translator/ptx.h"

namespace emulator {
namespace {

/// Comments become spaces, so that line numbers stay.
std::string without_comments(std::string text) {
  enum { code, line_comment, block_comment, quoted } state = code;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pair = i + 1 < text.size();
    if (state == code && text[i] == '"') {
      state = quoted;
    } else if (state == quoted) {
      if (text[i] == '"') state = code;
    } else if (state == code && pair && text[i] == '/' && (text[i + 1] == '/' || text[i + 1] == '*')) {
      state = text[i + 1] == '/' ? line_comment : block_comment;
      text[i] = text[i + 1] = ' ';
    } else if (state == line_comment) {
      if (text[i] == '\n')
        state = code;
      else
        text[i] = ' ';
    } else if (state == block_comment) {
      const bool ends = pair && text[i] == '*' && text[i + 1] == '/';
      if (text[i] != '\n') text[i] = ' ';
      if (ends) {
        text[i + 1] = ' ';
        state = code;
      }
    }
  }
  return text;
}

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("_$%", c) != nullptr;
}

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(without_comments(text)) {}

  PtxModule parse() {
    for (skip_space(); at_ < text_.size(); skip_space()) parse_top_level();
    return std::move(module_);
  }

 private:
  void skip_space() {
    for (; at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0; ++at_) {
      if (text_[at_] == '\n') ++line_;
    }
  }

  /// Up to one of `ends` outside of nested brackets, which stays; white space becomes single spaces.
  std::string read_until(const char* ends) {
    std::string result;
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\0') break;
      if (depth == 0 && std::strchr(ends, c) != nullptr) break;
      if (std::strchr("{[(", c) != nullptr) ++depth;
      if (std::strchr("}])", c) != nullptr) --depth;
      if (c == '\n') ++line_;
      if (std::isspace(static_cast<unsigned char>(c)) == 0)
        result += c;
      else if (!result.empty() && result.back() != ' ')
        result += ' ';
    }
    if (at_ >= text_.size()) throw PtxError(line_, "the text ends within: " + result.substr(0, 80));
    while (!result.empty() && result.back() == ' ') result.pop_back();
    return result;
  }

  std::string read_line() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string result = text_.substr(at_, end - at_);
    at_ = end;
    return result;
  }

  [[nodiscard]] std::string peek_word() const {
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_name(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }

  void parse_top_level() {
    const std::string word = peek_word();
    if (word == ".version" || word == ".target" || word == ".address_size") {
      read_line();
    } else if (word == ".file") {
      std::istringstream words(read_line());
      std::string directive;
      int number = 0;
      words >> directive >> number;
      std::getline(words, module_.files[number], '"');
      std::getline(words, module_.files[number], '"');
    } else if (word == ".section") {
      read_until("{");
      ++at_;
      read_until("}");
      ++at_;
    } else {
      parse_declaration();
    }
  }

  /// Debug sections hold braces of their own kind only at the ends; everything else is a variable or a
  /// function.
  void parse_declaration() {
    const int line = line_;
    const std::size_t start = at_;
    std::string header = read_until("{;");
    // An initial value has braces too.
    const bool is_function =
        header.find(".entry") != std::string::npos || header.find(".func") != std::string::npos;
    if (!is_function) {
      at_ = start;
      line_ = line;
      header = read_until(";");
      ++at_;
      if (starts_with(header, ".pragma")) return;
      for (PtxVariable& variable : parse_variables(header, line))
        module_.variables.push_back(std::move(variable));
      return;
    }
    PtxFunction function = parse_header(header, line);
    if (text_[at_++] == '{') {
      function.is_defined = true;
      parse_body(function);
    }
    module_.functions.push_back(std::move(function));
  }

  static PtxFunction parse_header(const std::string& header, int line) {
    PtxFunction function;
    function.is_entry = header.find(".entry") != std::string::npos;
    std::string rest =
        header.substr(header.find(function.is_entry ? ".entry" : ".func") + (function.is_entry ? 6 : 5));
    const auto parenthesis = [&rest, line]() {
      const std::size_t open = rest.find('(');
      const std::size_t close = rest.find(')');
      if (open == std::string::npos || close == std::string::npos)
        throw PtxError(line, "function header: " + rest);
      std::vector<PtxVariable> variables;
      std::istringstream list(rest.substr(open + 1, close - open - 1));
      for (std::string item; std::getline(list, item, ',');)
        variables.push_back(parse_variables(item, line).at(0));
      rest = rest.substr(close + 1);
      return variables;
    };
    rest.erase(0, rest.find_first_not_of(' '));
    if (!function.is_entry && rest[0] == '(') function.results = parenthesis();
    rest.erase(0, rest.find_first_not_of(' '));
    const std::size_t end = std::min(rest.find_first_of(" ("), rest.size());
    function.name = rest.substr(0, end);
    if (rest.find('(') != std::string::npos)
      function.parameters = parenthesis();
    else
      rest = rest.substr(end);
    const std::vector<std::string> tokens = ptx_tokens(rest);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] == ".maxntid" || tokens[i] == ".reqntid") {
        // One to three numbers with commas between them.
        function.max_threads = static_cast<std::uint32_t>(std::stoul(tokens.at(i + 1)));
        for (i += 1; i + 2 < tokens.size() && tokens[i + 1] == ","; i += 2) {
          function.max_threads *= static_cast<std::uint32_t>(std::stoul(tokens[i + 2]));
        }
      } else if (tokens[i] == ".minnctapersm" || tokens[i] == ".maxnreg") {
        ++i;
      } else if (tokens[i] != ".noreturn") {
        throw PtxError(line, "unknown directive of a function: " + rest);
      }
    }
    return function;
  }

  void parse_body(PtxFunction& function) {
    int depth = 1;
    while (depth > 0) {
      skip_space();
      if (at_ >= text_.size()) throw PtxError(line_, "function " + function.name + " has no end");
      PtxStatement statement;
      statement.line = line_;
      if (text_[at_] == '{' || text_[at_] == '}') {
        const bool opens = text_[at_++] == '{';
        depth += opens ? 1 : -1;
        if (depth == 0) break;
        statement.kind = opens ? PtxStatement::Kind::open_scope : PtxStatement::Kind::close_scope;
      } else if (text_[at_] == ';') {
        ++at_;
        continue;
      } else if (!parse_statement(statement)) {
        continue;
      }
      function.statements.push_back(std::move(statement));
    }
  }

  bool parse_statement(PtxStatement& statement) {
    const std::string word = peek_word();
    if (word == ".loc") {
      std::istringstream words(read_line().substr(4));
      statement.kind = PtxStatement::Kind::location;
      words >> statement.file >> statement.file_line;
      return true;
    }
    if (is_name(word[0])) {
      std::size_t colon = at_ + word.size();
      while (colon < text_.size() && text_[colon] == ' ') ++colon;
      if (colon < text_.size() && text_[colon] == ':') {
        at_ = colon + 1;
        skip_space();
        statement.text = word;
        statement.kind = PtxStatement::Kind::label;
        if (peek_word() == ".branchtargets") {
          const std::vector<std::string> tokens = ptx_tokens(read_until(";").substr(14));
          ++at_;
          for (const std::string& token : tokens) {
            if (token != ",") statement.targets.push_back(token);
          }
        }
        return true;
      }
    }
    std::string text = read_until(";");
    ++at_;
    if (starts_with(text, ".pragma")) return false;
    if (text[0] == '.') {
      statement.kind = PtxStatement::Kind::declaration;
      statement.declared = parse_variables(text, statement.line);
      return true;
    }
    if (text[0] == '@') {
      statement.guard_negated = text[1] == '!';
      const std::size_t begin = statement.guard_negated ? 2 : 1;
      const std::size_t end = text.find(' ');
      statement.guard = text.substr(begin, end - begin);
      text = text.substr(text.find_first_not_of(' ', end));
    }
    statement.text = text;
    return true;
  }

  std::string text_;
  std::size_t at_ = 0;
  int line_ = 1;
  PtxModule module_;
};

}  // namespace

PtxModule parse_ptx(const std::string& text) { return Parser(text).parse(); }

}  // namespace emulator

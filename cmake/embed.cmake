# Writes OUTPUT: a C++ table of {name, text} from the YAML FILES.
set(text "#include \"profiles/shipped.h\"\n\nnamespace gopmill {\n\nconst std::vector<ShippedProfile>& shipped_profiles() {\n  static const std::vector<ShippedProfile> profiles = {\n")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} content)
  string(APPEND text "      {\"${name}\", R\"yaml(${content})yaml\"},\n")
endforeach()
string(APPEND text "  };\n  return profiles;\n}\n\n}  // namespace gopmill\n")
file(WRITE ${OUTPUT} "${text}")

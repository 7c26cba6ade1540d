--- The names of a table's fields, in their order.
---@param values table<string, any>
---@return string[]
return function(values)
  local names = {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end
